const escape = (t: string): string => t.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
/** Takes the backslashes of a cell away again. */
const inline = (t: string): string => escape(t.replace(/<(https:[^>\s]+)>/g, "$1").replace(/(?<!\\)`([^`]*)`/g, "$1").replace(/\\([\\|`*_{}[\]<>#&])/g, "$1"));
const STYLE = "body{font:16px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}table{border-collapse:collapse;width:100%;margin:.5rem 0 1.5rem}th,td{border:1px solid #c9d1d9;padding:.3rem .5rem;text-align:left;vertical-align:top;overflow-wrap:anywhere}@media(prefers-color-scheme:dark){body{color:#e6edf3;background:#0d1117}th,td{border-color:#3d444d}}@media print{body{margin:0;max-width:none}}";

/** The book as one page: no script, no network. Only the Markdown that the book itself uses is read. */
export function bookHtml(markdown: string): string {
  const out: string[] = [];
  let list = false;
  const lines = markdown.split("\n");
  const close = (): void => {
    if (list) out.push("</ol>");
    list = false;
  };
  for (let i = 0; i < lines.length; i++) {
    const line = lines[i] as string;
    const heading = /^(#{1,3}) (.*)$/.exec(line);
    const item = /^\d+\. (.*)$/.exec(line);
    if (item) {
      if (!list) out.push("<ol>");
      list = true;
      out.push(`<li>${inline(item[1] as string)}</li>`);
      continue;
    }
    close();
    if (line.startsWith("<!--") || line === "") continue;
    if (heading) out.push(`<h${(heading[1] as string).length}>${inline(heading[2] as string)}</h${(heading[1] as string).length}>`);
    else if (line.startsWith("| ")) {
      const cells = (l: string): string[] => l.slice(2, -2).split(/(?<!\\) \| /);
      const head = cells(line);
      out.push("<table>", head.some((h) => h !== "") ? `<tr>${head.map((h) => `<th>${inline(h)}</th>`).join("")}</tr>` : "");
      for (i += 2; (lines[i] ?? "").startsWith("| "); i++) out.push(`<tr>${cells(lines[i] as string).map((c) => `<td>${inline(c)}</td>`).join("")}</tr>`);
      i--;
      out.push("</table>");
    } else out.push(`<p>${inline(line)}</p>`);
  }
  close();
  return `<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'"><meta name="viewport" content="width=device-width"><title>Configuration</title><style>${STYLE}</style></head><body>\n${out.join("\n")}\n</body></html>\n`;
}
