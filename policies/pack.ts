import { PolicyPack } from "@pulumi/policy";
import { policies } from "./index.ts";

// What `pulumi preview --policy-pack policies` loads.
new PolicyPack("stackseal", { policies: [...policies] });
