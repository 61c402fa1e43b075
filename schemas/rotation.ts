/** How a credential is replaced, as data; interpreted by the rotation commands. */
export type RotationSpec =
  | { readonly kind: "api"; readonly strategy: string; readonly overlap: string }
  | { readonly kind: "guided"; readonly steps: readonly string[]; readonly page?: string; readonly overlap: string }
  | { readonly kind: "replace"; readonly overlap: string }
  | { readonly kind: "own"; readonly overlap: string };
