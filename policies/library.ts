// `stackseal/policies`: the rules as data, to be put into a policy pack of one's own beside others.

export { rules } from "./index.ts";
export { definePolicy, type PolicySpec } from "./policy.ts";
