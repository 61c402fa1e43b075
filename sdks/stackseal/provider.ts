import * as pulumi from "@pulumi/pulumi";
import * as utilities from "./utilities";

export class Provider extends pulumi.ProviderResource {
    /** @internal */
    public static readonly __pulumiType = 'stackseal';
    public static isInstance(obj: any): obj is Provider {
        return obj !== undefined && obj !== null && obj['__pulumiType'] === "pulumi:providers:" + Provider.__pulumiType;
    }
    constructor(name: string, _args?: ProviderArgs, opts?: pulumi.ResourceOptions) {
        super(Provider.__pulumiType, name, {}, pulumi.mergeOptions(utilities.resourceOptsDefaults(), opts ?? {}));
    }
}
export interface ProviderArgs {}
