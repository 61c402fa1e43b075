import { resolve } from "node:path";
import { makeExample } from "./example-people.ts";

// Makes the shipped example, to keys that are thrown away here.
await makeExample(resolve(process.argv[2] ?? "."), new Date("2026-11-24T09:00:00Z"));
