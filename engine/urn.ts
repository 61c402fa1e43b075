export const ROOT_TYPE = "pulumi:pulumi:Stack";
export const STACK_REFERENCE = "pulumi:pulumi:StackReference";
export interface UrnParts { readonly stack: string; readonly project: string; readonly qualifiedType: string; readonly type: string; readonly name: string }

/** Throws where the text is no URN. A name may itself contain `::`. */
export function parseUrn(urn: string): UrnParts {
  const [stack, project, qualifiedType, ...name] = urn.slice("urn:pulumi:".length).split("::");
  if (!urn.startsWith("urn:pulumi:") || !stack || !project || !qualifiedType || !name.length) throw new Error(`invalid URN ${urn}`);
  return { stack, project, qualifiedType, type: qualifiedType.split("$").pop() as string, name: name.join("::") };
}
/** A child of the root stack doesn't carry the parent's type; every other child carries the whole chain. */
export function makeUrn(stack: string, project: string, parent: string | undefined, type: string, name: string): string {
  const above = parent ? parseUrn(parent).qualifiedType : "";
  return `urn:pulumi:${stack}::${project}::${above && above !== ROOT_TYPE ? `${above}$` : ""}${type}::${name}`;
}
export const isRoot = (urn: string): boolean => parseUrn(urn).qualifiedType === ROOT_TYPE;

const PROVIDER = "pulumi:providers:";
export const isProviderType = (type: string): boolean => type.startsWith(PROVIDER);
/** The package that handles a type or function token: `aws` of `aws:s3/bucket:Bucket`, and of `pulumi:providers:aws`. */
export const packageOf = (token: string): string => (isProviderType(token) ? token.slice(PROVIDER.length) : (token.split(":")[0] as string));

/** A provider reference is `<urn>::<id>`. */
export function parseRef(ref: string): { readonly urn: string; readonly id: string } {
  const at = ref.lastIndexOf("::");
  return { urn: ref.slice(0, at), id: ref.slice(at + 2) };
}
