import { createHash } from "node:crypto";
import script from "./report.page.js";
import style from "./report.page.css";

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
/** JSON that can stand in a script block: nothing in it closes the block or begins a comment. */
const inert = (data: unknown): string => JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** One self-contained page: its own script and style alone may run, by their hashes; nothing may be loaded or sent. */
export const reportPage = (data: Readonly<Record<string, unknown>>): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src ${hash(script)}; style-src ${hash(style)}; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<meta name="color-scheme" content="light dark">
<title>Stackseal audit report</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the report</a>
<header><h1>Audit report</h1><p id="about"></p></header>
<main id="main"><noscript><p>This page draws itself with its own script, which is switched off here. <code>stackseal audit log</code> prints the same as text.</p></noscript></main>
<script type="application/json" id="data">${inert(data)}</script>
<script>${script}</script>
</body>
</html>
`;
