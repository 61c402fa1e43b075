import { closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

/**
 * A plain file's bytes; null where there is none, or a link, a pipe, a folder, a device, or more than `max` bytes: of such a thing nothing is read.
 * For folders that a stranger may have filled.
 */
export function plainFile(path: string, max: number): Buffer | null {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return null;
  }
  try {
    const s = fstatSync(fd);
    if (!s.isFile() || s.size > max) return null;
    const bytes = Buffer.alloc(s.size);
    let n = 0;
    for (let got = -1; n < s.size && got !== 0; n += got) got = readSync(fd, bytes, n, s.size - n, n);
    return bytes.subarray(0, n);
  } catch {
    return null;
  } finally {
    closeSync(fd);
  }
}
