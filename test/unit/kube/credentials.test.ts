// Log-in data that rotates on disk, as a pod's account token and a cluster's CA do, against a real TLS server.

import { once } from "node:events";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump } from "js-yaml";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { type Client, createClient, loadKubeConfig } from "../../../operator/kube/client.ts";
import { createPki, type Pki } from "../../cluster/pki.ts";

let folder: string;
let server: Server;
let client: Client;
let seen: string[];

const path = (name: string) => join(folder, name);

/** A certificate authority and a server certificate of it. */
async function authority(name: string): Promise<Pki> {
  const pki = await createPki(path(name));
  await pki.issue({ file: "server", user: "server", names: ["IP:127.0.0.1"] });
  return pki;
}
const tls = (pki: Pki) => ({ cert: readFileSync(pki.file("server.crt")), key: readFileSync(pki.file("server.key")) });

beforeEach(async () => {
  // Time alone: sockets go on as they are.
  vi.useFakeTimers({ toFake: ["Date"] });
  folder = mkdtempSync(join(tmpdir(), "anypod-credentials-"));
  seen = [];
  const pki = await authority("first");
  server = createServer(tls(pki), (request, response) => {
    seen.push(request.headers.authorization ?? "");
    response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  copyFileSync(pki.file("ca.crt"), path("ca.crt"));
  writeFileSync(path("token"), "one");
  const { port } = server.address() as AddressInfo;
  writeFileSync(
    path("kubeconfig"),
    dump({
      "current-context": "c",
      contexts: [{ name: "c", context: { cluster: "c", user: "u" } }],
      clusters: [
        { name: "c", cluster: { server: `https://127.0.0.1:${port}`, "certificate-authority": path("ca.crt") } },
      ],
      users: [{ name: "u", user: { "auth-provider": { name: "tokenFile", config: { tokenFile: path("token") } } } }],
    }),
  );
  client = createClient(loadKubeConfig(path("kubeconfig")));
});
afterEach(async () => {
  vi.useRealTimers();
  await client.close();
  server.close().closeAllConnections();
  rmSync(folder, { recursive: true });
});

const minutesLater = (minutes: number) => vi.setSystemTime(Date.now() + minutes * 60_000);

test("a token that is rotated on disk is used within two minutes", async () => {
  await client.json({ path: "/x" });
  writeFileSync(path("token"), "two");
  minutesLater(2);
  await client.json({ path: "/x" });
  expect(seen).toEqual(["Bearer one", "Bearer two"]);
});

test("a CA that is rotated on disk is trusted when it is read again, and not before", async () => {
  await client.json({ path: "/x" });
  const second = await authority("second");
  server.setSecureContext(tls(second));
  server.closeAllConnections();
  // The first to find its connection closed.
  await client.json({ path: "/x" }).catch(() => {});
  await expect(client.json({ path: "/x" })).rejects.toThrow(/certificate|signature/i);
  copyFileSync(second.file("ca.crt"), path("ca.crt"));
  minutesLater(2);
  await client.json({ path: "/x" });
  expect(seen).toHaveLength(2);
});
