/** Names that follow from mail settings: the domain of the user name, and `.eu` where the declared host is one of Europe's. Empty for others. */
export function mailNames(settings: Readonly<Record<string, unknown>>): { readonly userDomain: string; readonly eu: string } {
  const text = (v: unknown): string => (typeof v === "string" ? v : "");
  return { userDomain: text(settings["username"]).split("@")[1] ?? "", eu: text(settings["host"]).includes(".eu.") ? ".eu" : "" };
}
