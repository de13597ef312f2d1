// The cluster's certificates and kubeconfigs. Keys come from node:crypto; openssl signs, since Node can't make certificates.
import { execFile } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Identity {
  /** Names the files: `<file>.crt` and `<file>.key`. */
  file: string;
  /** Common name: the user, for Kubernetes. */
  user: string;
  /** Organisation: the group, for Kubernetes. */
  group?: string;
  /** Only for servers: `DNS:…` and `IP:…`. */
  names?: string[];
}

export interface Pki {
  /** The path of a file, such as `file("ca.crt")`. */
  file: (name: string) => string;
  /** Signs a certificate with the cluster's authority. */
  issue: (identity: Identity) => Promise<void>;
  /** Writes a kubeconfig that logs in to `server` with an issued certificate. */
  kubeconfig: (target: { path: string; server: string; identity: string }) => void;
}

/** Makes the authority, and a key pair for service account tokens (`service-account.key`, `.pub`). */
export async function createPki(dir: string): Promise<Pki> {
  mkdirSync(dir, { recursive: true, mode: 0o700 });
  const file = (name: string) => join(dir, name);
  const pki: Pki = {
    file,
    issue: (identity) => issue(file, identity),
    kubeconfig: ({ path, server, identity }) => {
      writeFileSync(path, kubeconfig(file, server, identity), { mode: 0o600 });
    },
  };
  writeFileSync(file("service-account.pub"), newKey(file("service-account.key")));
  newKey(file("ca.key"));
  writeFileSync(
    file("ca.cnf"),
    requestConfig(["basicConstraints=critical,CA:TRUE", "keyUsage=keyCertSign,digitalSignature"]),
  );
  const subject = ["-subj", "/CN=anypod-test", "-days", "365", "-extensions", "extensions"];
  await openssl([
    "req",
    "-x509",
    "-new",
    "-config",
    file("ca.cnf"),
    "-key",
    file("ca.key"),
    "-out",
    file("ca.crt"),
    ...subject,
  ]);
  return pki;
}

async function issue(file: Pki["file"], { file: name, user, group, names }: Identity): Promise<void> {
  const extensions = [
    "basicConstraints=CA:FALSE",
    "keyUsage=digitalSignature",
    "extendedKeyUsage=serverAuth,clientAuth",
  ];
  if (names) extensions.push(`subjectAltName=${names.join(",")}`);
  const path = (ending: string) => file(`${name}.${ending}`);
  newKey(path("key"));
  writeFileSync(path("cnf"), requestConfig(extensions));
  const subject = group ? `/O=${group}/CN=${user}` : `/CN=${user}`;
  await openssl(["req", "-new", "-config", path("cnf"), "-key", path("key"), "-subj", subject, "-out", path("csr")]);
  const authority = ["-CA", file("ca.crt"), "-CAkey", file("ca.key"), "-set_serial", serial()];
  const signed = ["-extfile", path("cnf"), "-extensions", "extensions", "-out", path("crt")];
  await openssl(["x509", "-req", "-in", path("csr"), "-days", "365", ...authority, ...signed]);
}

/** Writes a new private key, and returns its public half in PEM. */
function newKey(path: string): string {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  writeFileSync(path, privateKey.export({ type: "pkcs8", format: "pem" }), { mode: 0o600 });
  return publicKey.export({ type: "spki", format: "pem" }).toString();
}

function requestConfig(extensions: string[]): string {
  return ["[req]", "distinguished_name=name", "prompt=no", "[name]", "[extensions]", ...extensions, ""].join("\n");
}

function serial(): string {
  return String(Math.floor(Math.random() * 2 ** 48) + 1);
}

async function openssl(args: string[]): Promise<void> {
  await run("openssl", args);
}

function kubeconfig(file: Pki["file"], server: string, identity: string): string {
  const data = (name: string) => readFileSync(file(name)).toString("base64");
  // JSON is YAML.
  const config = {
    apiVersion: "v1",
    kind: "Config",
    "current-context": "anypod-test",
    clusters: [{ name: "anypod-test", cluster: { server, "certificate-authority-data": data("ca.crt") } }],
    users: [
      {
        name: identity,
        user: { "client-certificate-data": data(`${identity}.crt`), "client-key-data": data(`${identity}.key`) },
      },
    ],
    contexts: [{ name: "anypod-test", context: { cluster: "anypod-test", user: identity } }],
  };
  return `${JSON.stringify(config, null, 2)}\n`;
}
