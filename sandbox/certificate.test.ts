import { X509Certificate } from "node:crypto";
import { connect, createServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { describe, expect, it } from "vitest";
import { selfSigned } from "./certificate.ts";

describe("the sandbox's certificate", () => {
  it("is read and verified by node's own X.509 code", () => {
    const c = new X509Certificate(selfSigned("sandbox", new Date()).cert);
    expect(c.verify(c.publicKey)).toBe(true);
    expect(c.checkIP("127.0.0.1")).toBe("127.0.0.1");
    expect(c.checkHost("localhost")).toBe("localhost");
    expect(c.ca).toBe(true);
  });
  it("is trusted as its own authority, and by nobody else", async () => {
    const own = selfSigned("sandbox", new Date());
    const server = createServer({ cert: own.cert, key: own.key }, (s) => s.end());
    await new Promise<void>((done) => { server.listen(0, "127.0.0.1", done); });
    const port = (server.address() as AddressInfo).port;
    const shake = (ca?: string): Promise<string> => new Promise((done) => {
      const s = connect({ host: "127.0.0.1", port, ...(ca !== undefined && { ca }) }, () => { s.destroy(); done("trusted"); });
      s.on("error", (e: NodeJS.ErrnoException) => { done(e.code ?? ""); });
    });
    expect(await shake(own.cert)).toBe("trusted");
    expect(await shake()).toBe("DEPTH_ZERO_SELF_SIGNED_CERT");
    expect(await shake(selfSigned("sandbox", new Date()).cert)).not.toBe("trusted");
    server.close();
  });
});
