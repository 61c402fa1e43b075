export interface Store {
    kind: string;
    accountId?: string;
    address?: string;
    endpoint?: string;
    mount?: string;
    namespace?: string;
    region?: string;
}
export interface SealedValue {
    fingerprint: string;
    issueId: string;
    key: string;
    variable: string;
}
