import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { extract, pack } from "tar-stream";

/** Names and contents, in order. */
export type Files = ReadonlyMap<string, Buffer>;

/** A tar of these files with nothing of this machine in it: no owner, one date. */
export async function packTar(files: Files, at: Date): Promise<Buffer> {
  const p = pack();
  const parts: Buffer[] = [];
  const done = pipeline(p, new Writable({ write: (chunk: Buffer, _e, next) => { parts.push(chunk); next(); } }));
  for (const [name, content] of files) p.entry({ name, mode: 0o600, mtime: at, uid: 0, gid: 0 }, content);
  p.finalize();
  await done;
  return Buffer.concat(parts);
}
/** What a tar holds; null where it is damaged, or has anything but plain files under relative names: nothing of it is believed then. */
export async function unpackTar(bytes: Buffer): Promise<Files | null> {
  const files = new Map<string, Buffer>();
  const e = extract();
  const odd: string[] = [];
  e.on("entry", (header, stream, next) => {
    const parts: Buffer[] = [];
    // Where the tar ends within a file, its stream says so too; the pipeline's word is enough.
    stream.on("error", () => undefined);
    if (header.type !== "file" || !safeName(header.name) || files.has(header.name)) odd.push(header.name);
    stream.on("data", (c) => { parts.push(Buffer.from(c as Uint8Array)); });
    stream.on("end", () => { files.set(header.name, Buffer.concat(parts)); next(); });
    stream.resume();
  });
  try {
    await pipeline([bytes], e);
  } catch {
    return null;
  }
  return odd.length === 0 && apart(files) ? files : null;
}
/** A relative name without dots, that any file system takes. */
export const safeName = (name: string): boolean => name.length <= 1000 && /^[A-Za-z0-9._/-]+$/.test(name) && name.split("/").every((p) => p !== "" && p !== "." && p !== ".." && p.length <= 255);
/** No file stands where another's folder must. */
const apart = (files: Files): boolean => [...files.keys()].every((n) => n.split("/").every((_, i, parts) => i === 0 || !files.has(parts.slice(0, i).join("/"))));
