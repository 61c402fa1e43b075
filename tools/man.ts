import { readFileSync } from "node:fs";
import { commands } from "../scripts/commands/index.ts";
import { manPage } from "../scripts/render/man.ts";

// Prints stackseal(1).
const { version } = JSON.parse(readFileSync("package.json", "utf8")) as { version: string };
process.stdout.write(manPage(await Promise.all(commands.map((c) => c.load())), version));
