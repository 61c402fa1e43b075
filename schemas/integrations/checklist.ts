/** "API integration not working", in the order of the product documentation. */
export const API_CHECKLIST = [
  "Verify credentials: correctly entered, no extra spaces or typos",
  "Test credentials against the provider's API",
  "Check account status: active and in good standing",
  "Review error logs: provider errors and the application's log",
  "Verify permissions: what is declared can be done",
  "Check rate limits: none exceeded",
] as const;

/** "Emails not sending", in the order of the product documentation. */
export const MAIL_CHECKLIST = [
  "Verify SMTP settings: host, port, username, password",
  "Test credentials by a real login",
  "Check port and encryption against the provider's requirements",
  "Review firewall: the port is reachable",
  "Check provider limits",
  "Review email logs: last delivery errors",
] as const;
