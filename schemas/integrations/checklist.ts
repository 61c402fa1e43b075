import type { ChecklistStep } from "../probe.ts";

/** "API integration not working", in the order of the product documentation. */
export const API_CHECKLIST = [
  { id: "credentials", title: "Verify credentials: correctly entered, no extra spaces or typos" },
  { id: "test", title: "Test credentials against the provider's API" },
  { id: "account", title: "Check account status: active and in good standing" },
  { id: "logs", title: "Review error logs: provider errors and the application's log" },
  { id: "permissions", title: "Verify permissions: what is declared can be done" },
  { id: "limits", title: "Check rate limits: none exceeded" },
] as const satisfies readonly ChecklistStep[];

/** "Emails not sending", in the order of the product documentation. */
export const MAIL_CHECKLIST = [
  { id: "settings", title: "Verify SMTP settings: host, port, username, password" },
  { id: "login", title: "Test credentials by a real login" },
  { id: "encryption", title: "Check port and encryption against the provider's requirements" },
  { id: "firewall", title: "Review firewall: the port is reachable" },
  { id: "limits", title: "Check provider limits" },
  { id: "logs", title: "Review email logs: last delivery errors" },
] as const satisfies readonly ChecklistStep[];

/** For URLs that are never called: what can be said without calling them. */
export const URL_CHECKLIST = [
  { id: "url", title: "The URL has the right form" },
  { id: "dns", title: "The host resolves" },
  { id: "signature", title: "What is sent can be verified by the receiver" },
  { id: "logs", title: "Review error logs: the receiver's answers" },
] as const satisfies readonly ChecklistStep[];
