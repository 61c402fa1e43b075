/** How a credential is checked live, as data; interpreted by the doctor. */
export type ProbeSpec =
  | { readonly kind: "http"; readonly method: "GET" | "POST"; readonly url: string; readonly auth: "bearer" | "basic" | "header" | "body" }
  | { readonly kind: "smtp" }
  | { readonly kind: "none"; readonly why: string };
