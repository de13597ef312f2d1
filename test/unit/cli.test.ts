// The command line as people call it: a process, its output and its exit code.
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { load, loadAll } from "js-yaml";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { root, run } from "../support/processes.ts";

const anypod = (args: string[], input?: string) =>
  run(["node", join(root, "operator/main.ts"), ...args], { cwd: folder, ...(input !== undefined && { input }) });
const manifest = (name: string, ...lines: string[]) =>
  [
    "apiVersion: anypod.dev/v1alpha1",
    "kind: McpServer",
    `metadata: { name: ${name} }`,
    "spec:",
    "  image: basket",
    ...lines,
    "",
  ].join("\n");

/** A kubeconfig of a cluster at this address. */
function kubeconfigOf(server: string): string {
  const cluster = { name: "a", cluster: { server, "insecure-skip-tls-verify": server.startsWith("http:") } };
  const context = { name: "a", context: { cluster: "a", user: "a" } };
  return JSON.stringify({
    clusters: [cluster],
    contexts: [context],
    users: [{ name: "a" }],
    "current-context": "a",
  });
}

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "anypod-cli-"));
  mkdirSync(join(folder, "all/below"), { recursive: true });
  writeFileSync(join(folder, "good.yaml"), manifest("good"));
  writeFileSync(join(folder, "bad.yaml"), manifest("bad", "  port: 0", "  nope: 1"));
  writeFileSync(join(folder, "other.yaml"), "apiVersion: v1\nkind: ConfigMap\n");
  writeFileSync(join(folder, "kubeconfig"), kubeconfigOf("https://127.0.0.1:1"));
  const broken = kubeconfigOf("http://127.0.0.1:1").replace('"insecure-skip-tls-verify":true', '"proxy-url":""');
  writeFileSync(join(folder, "broken"), broken);
  writeFileSync(join(folder, "all/b.yml"), manifest("b"));
  writeFileSync(join(folder, "all/a.yaml"), manifest("a"));
  writeFileSync(join(folder, "all/notes.txt"), "not YAML: [");
  writeFileSync(join(folder, "all/below/c.json"), JSON.stringify(load(manifest("c"))));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Doc = { kind: string; metadata: { name: string; namespace: string } };
const docs = (yaml: string) => loadAll(yaml) as Doc[];
const serversIn = (yaml: string) => [
  ...new Set(
    docs(yaml)
      .filter(({ kind }) => kind === "Deployment")
      .map(({ metadata }) => metadata.name),
  ),
];

describe("anypod render", () => {
  test("prints the objects of a file and nothing else", async () => {
    const { code, stdout, stderr } = await anypod(["render", "-f", "good.yaml"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(docs(stdout).map(({ kind }) => kind)).toEqual([
      "ServiceAccount",
      "Secret",
      "Service",
      "Deployment",
      "HorizontalPodAutoscaler",
      "PodDisruptionBudget",
    ]);
    expect(docs(stdout).map(({ metadata }) => metadata.namespace)).toEqual(Array(6).fill("default"));
  });

  test("prints the same bytes each time, as the golden files have them", async () => {
    const golden = join(root, "test/golden/everything");
    const { stdout } = await anypod(["render", "-f", `${golden}.yaml`]);
    expect(stdout).toBe(readFileSync(`${golden}.out.yaml`, "utf8"));
  });

  test("prints what a cluster with KEDA is told of Prometheus, which never ends in a slash, as KEDA adds one", async () => {
    const golden = join(root, "test/golden/autoscaling-keda");
    const keda = ["--installed", "ScaledObject", "--prometheus-url", "http://prometheus.monitoring.svc:9090//"];
    const { stdout } = await anypod(["render", "-f", `${golden}.yaml`, ...keda]);
    expect(stdout).toBe(readFileSync(`${golden}.out.yaml`, "utf8"));
  });

  test("reads standard input", async () => {
    const { code, stdout } = await anypod(["render", "-f", "-", "-n", "shop"], manifest("from-stdin"));
    expect(code).toBe(0);
    expect(serversIn(stdout)).toEqual(["from-stdin"]);
    expect(docs(stdout)[0]?.metadata.namespace).toBe("shop");
  });

  test("calls standard input by a name in errors", async () => {
    const { code, stderr } = await anypod(["render", "-f", "-"], manifest("x", "  port: 0"));
    expect([code, stderr]).toEqual([1, "<stdin>:6 spec.port: Too small: expected number to be >=1\n"]);
  });

  test("reads all YAML and JSON below a directory, in the order of names", async () => {
    const { code, stdout, stderr } = await anypod(["render", "-f", "all"]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(serversIn(stdout)).toEqual(["a", "b", "c"]);
  });

  test("reads several files", async () => {
    const { stdout } = await anypod(["render", "-f", "good.yaml", "--filename", "all/b.yml"]);
    expect(serversIn(stdout)).toEqual(["good", "b"]);
  });

  test("prints every problem as file:line field: problem, no objects, and exits with 1", async () => {
    const { code, stdout, stderr } = await anypod(["render", "-f", "good.yaml", "-f", "bad.yaml"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trimEnd().split("\n").sort()).toEqual([
      "bad.yaml:6 spec.port: Too small: expected number to be >=1",
      "bad.yaml:7 spec.nope: unknown field: see docs/reference.md for the fields that there are",
    ]);
  });

  test("says which file isn't there, and exits with 1", async () => {
    const { code, stderr } = await anypod(["render", "-f", "nowhere.yaml"]);
    expect([code, stderr]).toEqual([1, "nowhere.yaml: no such file or directory\n"]);
  });

  test("says when a file holds no McpServer, and exits with 1", async () => {
    const { code, stderr } = await anypod(["render", "-f", "other.yaml"]);
    expect([code, stderr]).toEqual([1, "no McpServer in other.yaml\n"]);
  });
});

describe("anypod validate", () => {
  test("prints what it looked at when all is well", async () => {
    const { code, stdout, stderr } = await anypod(["validate", "-f", "good.yaml", "all", "other.yaml"]);
    expect([code, stdout, stderr]).toEqual([0, "4 McpServers valid, 1 object of other kinds passed over\n", ""]);
  });

  test("prints every problem as file:line field: problem, and exits with 1", async () => {
    const { code, stdout, stderr } = await anypod(["validate", "good.yaml", "bad.yaml", "nowhere.yaml"]);
    expect([code, stdout]).toEqual([1, ""]);
    expect(stderr.trimEnd().split("\n").sort()).toEqual([
      "bad.yaml:6 spec.port: Too small: expected number to be >=1",
      "bad.yaml:7 spec.nope: unknown field: see docs/reference.md for the fields that there are",
      "nowhere.yaml: no such file or directory",
    ]);
  });
});

describe("anypod diff", () => {
  test("says in a line that McpServer isn't installed, and exits with 2", async () => {
    const server = createServer((_, response) => response.writeHead(404).end("404 page not found\n"));
    await once(server.listen(0, "127.0.0.1"), "listening");
    try {
      const { port } = server.address() as AddressInfo;
      writeFileSync(join(folder, "empty"), kubeconfigOf(`http://127.0.0.1:${port}`));
      const { code, stdout, stderr } = await anypod(["diff", "-f", "good.yaml", "--kubeconfig", "empty"]);
      expect([code, stdout, stderr]).toEqual([
        2,
        "",
        "McpServer default/good: McpServer is not installed: apply crds/ (or install the chart anypod-crds)\n",
      ]);
    } finally {
      server.close();
    }
  });

  test("says what is wrong with files before it asks a cluster, and exits with 2", async () => {
    const { code, stdout, stderr } = await anypod(["diff", "-f", "bad.yaml", "--kubeconfig", "nowhere"]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain("bad.yaml:6 spec.port: ");
  });

  test.each<[string, string, string]>([
    ["there is no such kubeconfig", "nowhere", "kubeconfig: ENOENT"],
    ["a log-in can't be had", "broken", "McpServer default/good: HTTP protocol is not allowed"],
    ["the API server can't be reached", "kubeconfig", "McpServer default/good: connect ECONNREFUSED 127.0.0.1:1\n"],
  ])("says in a line that %s, and exits with 2", async (_, kubeconfig, message) => {
    const { code, stdout, stderr } = await anypod(["diff", "-f", "good.yaml", "--kubeconfig", kubeconfig]);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  });
});

describe("anypod", () => {
  test.each<[string, string[], string]>([
    [
      "render without a file",
      ["render"],
      "anypod: render needs -f FILE: a file, a directory, or - for standard input\n",
    ],
    [
      "validate without a file",
      ["validate"],
      "anypod: validate needs FILE: a file, a directory, or - for standard input\n",
    ],
    ["diff without a file", ["diff"], "anypod: diff needs -f FILE: a file, a directory, or - for standard input\n"],
    ["an unknown command", ["rendr"], "anypod: there is no command 'rendr': see anypod --help\n"],
    ["an unknown flag", ["render", "--nope"], "anypod: Unknown option '--nope'"],
    [
      "a worker count that is none",
      ["run", "--workers", "many"],
      "anypod: --workers must be a whole number above 0, not 'many'\n",
    ],
    [
      "an address of Prometheus that is none",
      ["run", "--prometheus-url", "prometheus:9090"],
      "anypod: --prometheus-url must be http:// or https://, a host, and perhaps a port and a path, not 'prometheus:9090'\n",
    ],
    [
      "a log level that is none",
      ["run", "--log-level", "loud"],
      "anypod: --log-level must be one of trace, debug, info, warn, error, not 'loud'\n",
    ],
  ])("called with %s says how to call it, and exits with 2", async (_, args, message) => {
    const { code, stdout, stderr } = await anypod(args);
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain(message);
  });

  test.each([[[]], [["--help"]], [["render", "--help"]], [["validate", "-h"]], [["diff", "-h"]], [["run", "-h"]]])(
    "%j prints help and exits with 0",
    async (args) => {
      const { code, stdout } = await anypod(args);
      expect(code).toBe(0);
      expect(stdout).toContain("anypod");
    },
  );

  test("crds prints the CustomResourceDefinition", async () => {
    const { code, stdout } = await anypod(["crds"]);
    expect(code).toBe(0);
    expect(load(stdout)).toEqual(load(readFileSync(join(root, "crds/mcpservers.anypod.dev.yaml"), "utf8")));
  });
});
