import { randomInt } from "node:crypto";

const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/** A new issue id: 26 random Crockford characters (130 bits), beginning with 0 and a letter so that no YAML reader takes it for a number. */
export const newIssueId = (): string => `0${CROCKFORD[18 + randomInt(14)] as string}${Array.from({ length: 24 }, () => CROCKFORD[randomInt(32)]).join("")}`;
