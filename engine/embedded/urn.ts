export const ROOT_TYPE = "pulumi:pulumi:Stack";
export interface UrnParts { stack: string; project: string; qualifiedType: string; type: string; name: string }
export function parseUrn(urn: string): UrnParts {
  const [, , ...rest] = urn.split(":");
  const text = rest.join(":"), [stack, project, qualifiedType, ...name] = text.split("::");
  if (!urn.startsWith("urn:pulumi:") || !stack || !project || !qualifiedType || !name.length) throw new Error(`invalid URN ${urn}`);
  return { stack, project, qualifiedType, type: qualifiedType.split("$").pop() as string, name: name.join("::") };
}
/** A child of the root stack does not carry the parent's type; every other child does. */
export function makeUrn(stack: string, project: string, parent: string | undefined, type: string, name: string): string {
  const p = parent ? parseUrn(parent).qualifiedType : "";
  return `urn:pulumi:${stack}::${project}::${p && p !== ROOT_TYPE ? `${p}$` : ""}${type}::${name}`;
}
export const packageOf = (type: string) => type.split(":")[0] as string;
export const isProviderType = (type: string) => type.startsWith("pulumi:providers:");
export const providerPackage = (type: string) => (isProviderType(type) ? type.slice("pulumi:providers:".length) : packageOf(type));
export function parseRef(ref: string): { urn: string; id: string } {
  const at = ref.lastIndexOf("::");
  return { urn: ref.slice(0, at), id: ref.slice(at + 2) };
}
