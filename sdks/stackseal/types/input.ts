import * as pulumi from "@pulumi/pulumi";

export interface StoreArgs {
    /** aws, vault or file. */
    kind: pulumi.Input<string>;
    accountId?: pulumi.Input<string | undefined>;
    address?: pulumi.Input<string | undefined>;
    endpoint?: pulumi.Input<string | undefined>;
    mount?: pulumi.Input<string | undefined>;
    namespace?: pulumi.Input<string | undefined>;
    region?: pulumi.Input<string | undefined>;
}
/** A reference to a sealed credential of this environment. Never the value. */
export interface SealedValueArgs {
    fingerprint: pulumi.Input<string>;
    issueId: pulumi.Input<string>;
    /** Path of the sealed credential. */
    key: pulumi.Input<string>;
    /** Run-time variable, and the key in the store's JSON. */
    variable: pulumi.Input<string>;
}
