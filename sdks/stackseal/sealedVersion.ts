import * as pulumi from "@pulumi/pulumi";
import * as inputs from "./types/input";
import * as outputs from "./types/output";
import * as utilities from "./utilities";

/** The version of a store's secret that carries sealed credentials; its id is the pointer into git. */
export class SealedVersion extends pulumi.CustomResource {
    public static get(name: string, id: pulumi.Input<pulumi.ID>, opts?: pulumi.CustomResourceOptions): SealedVersion {
        return new SealedVersion(name, undefined as any, { ...opts, id });
    }
    /** @internal */
    public static readonly __pulumiType = 'stackseal:index:SealedVersion';
    public static isInstance(obj: any): obj is SealedVersion {
        return obj !== undefined && obj !== null && obj['__pulumiType'] === SealedVersion.__pulumiType;
    }

    declare public readonly secretId: pulumi.Output<string>;
    declare public readonly store: pulumi.Output<outputs.Store>;
    declare public readonly tags: pulumi.Output<{[key: string]: string} | undefined>;
    declare public readonly values: pulumi.Output<outputs.SealedValue[]>;
    declare public /*out*/ readonly versionId: pulumi.Output<string>;

    constructor(name: string, args: SealedVersionArgs, opts?: pulumi.CustomResourceOptions) {
        opts = opts ?? {};
        if (!opts.id && !opts.urn) for (const k of ["store", "secretId", "values"] as const) if (args?.[k] === undefined) throw new Error(`Missing required property '${k}'`);
        const given = opts.id ? undefined : args;
        super(SealedVersion.__pulumiType, name, { secretId: given?.secretId, store: given?.store, tags: given?.tags, values: given?.values, versionId: undefined /*out*/ }, pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts));
    }
}
export interface SealedVersionArgs {
    secretId: pulumi.Input<string>;
    store: pulumi.Input<inputs.StoreArgs>;
    tags?: pulumi.Input<{[key: string]: pulumi.Input<string>} | undefined>;
    values: pulumi.Input<pulumi.Input<inputs.SealedValueArgs>[]>;
}
