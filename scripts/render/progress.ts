/** A line on standard error that replaces itself; null clears it. Quiet for the first 300 ms and where there is no terminal. */
export function progressLine(on: boolean, write: (text: string) => void, columns: () => number | undefined): (text: string | null) => void {
  const started = Date.now();
  let shown = false;
  return (text) => {
    if (!on) return;
    if (text === null) {
      if (shown) write("\r\u001b[2K");
      shown = false;
    } else if (Date.now() - started > 300) {
      write(`\r\u001b[2K${text.slice(0, (columns() ?? 80) - 1)}`);
      shown = true;
    }
  };
}
