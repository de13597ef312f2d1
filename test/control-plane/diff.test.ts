// `anypod diff` against a real API server: it tells what applying would do, and does none of it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dump, load } from "js-yaml";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { apiVersion, kind, type SpecInput } from "../../operator/api/mcpserver.ts";
import { type TestKube, testKube, written } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { root, run } from "../support/processes.ts";
import { eventually } from "../support/wait.ts";
import { type PlayedGateways, playedGateways } from "./gateways.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const newer = "registry.example.com/basket-mcp:1.5.0";
const kubeconfig = inject("kubeconfig");
let kube: TestKube;
let operator: RunningOperator;
let played: PlayedGateways;
let folder = "";

beforeAll(async () => {
  kube = await testKube(kubeconfig);
  operator = await startOperator(inject("operator").kubeconfig, "--namespace", kube.namespace);
  played = playedGateways(kube);
  folder = mkdtempSync(join(tmpdir(), "anypod-diff-"));
});
afterAll(async () => {
  await operator.stop();
  rmSync(folder, { recursive: true, force: true });
});

const manifest = (name: string, spec: SpecInput | object) =>
  JSON.stringify({ apiVersion, kind, metadata: { name, namespace: kube.namespace }, spec });

async function diff(text: string, ...flags: string[]) {
  const config = flags.includes("--kubeconfig") ? [] : ["--kubeconfig", kubeconfig];
  const { code, stdout, stderr } = await run(
    ["node", join(root, "operator/main.ts"), "diff", "-f", "-", ...config, ...flags],
    { input: text },
  );
  return { code, stdout, stderr };
}

/** What the diff is about, without hashes in names: `- Kind/name` is pruned, `+` created, `~` changed. */
const objectsIn = (text: string) =>
  [...text.matchAll(/^--- (\S+)\n\+\+\+ (\S+)$/gm)].map(([, before = "", after = ""]) => {
    const named = (before === "/dev/null" ? after : before)
      .split("/")
      .slice(2)
      .join("/")
      .replace(/-[a-z0-9]{8}$/, "");
    const sign = before === "/dev/null" ? "+" : after === "/dev/null" ? "-" : "~";
    return `${sign} ${named}`;
  });
const linesIn = (text: string) =>
  text
    .split("\n")
    .filter((line) => /^[-+] /.test(line))
    .map((line) => line.replace(/ +/g, " "));

const state = async (name: string) => [...(await kube.list(kind)), ...(await kube.childrenOf(name))].map(written);

async function settle(name: string, spec: SpecInput): Promise<void> {
  await kube.applyServer(name, spec);
  await settled(name);
}
const settled = (name: string) =>
  eventually(`${name} is observed`, async () => {
    const { status, metadata } = await kube.server(name);
    return status?.observedGeneration === metadata.generation;
  });
const kubectl = (input: string, ...args: string[]) =>
  execFileSync(inject("kubectl"), ["--kubeconfig", kubeconfig, ...args, "-f", "-"], {
    input,
    stdio: ["pipe", "pipe", "inherit"],
  });

test("of a new server shows all that would be made, the same each time, and makes none of it", async () => {
  const text = manifest("fresh", { image });
  const { code, stdout, stderr } = await diff(text);
  expect([code, stderr]).toEqual([1, ""]);
  expect(objectsIn(stdout)).toEqual([
    "+ McpServer.anypod.dev/fresh",
    "+ Deployment.apps/fresh",
    "+ HorizontalPodAutoscaler.autoscaling/fresh",
    "+ PodDisruptionBudget.policy/fresh",
    "+ Secret/fresh-request-state",
    "+ Service/fresh",
    "+ ServiceAccount/fresh",
  ]);
  expect((await diff(text)).stdout).toBe(stdout);
  expect((await state("fresh")).filter(({ name }) => name.startsWith("fresh"))).toEqual([]);
});

test("of what is applied already says that nothing changes, right after the operator is done", async () => {
  const spec = { image, network: {}, pools: [{ name: "a", tools: ["pack"] }] };
  await settle("same", spec);
  expect(await diff(manifest("same", spec))).toEqual({ code: 0, stdout: "nothing changes\n", stderr: "" });
});

test("shows what changes, is made and is pruned; and once applied, nothing is left to show", async () => {
  await settle("changed", { image, pools: [{ name: "a" }] });
  const spec = { image: newer, replicas: 3, network: {} };
  const before = await state("changed");
  const { code, stdout, stderr } = await diff(manifest("changed", spec), "--field-manager", "user");
  expect([code, stderr]).toEqual([1, ""]);
  expect(objectsIn(stdout).sort()).toEqual([
    "+ NetworkPolicy.networking.k8s.io/changed",
    "- Deployment.apps/changed-a",
    "- HorizontalPodAutoscaler.autoscaling/changed",
    "- HorizontalPodAutoscaler.autoscaling/changed-a",
    "- PodDisruptionBudget.policy/changed-a",
    "- Service/changed-a",
    "~ Deployment.apps/changed",
    "~ McpServer.anypod.dev/changed",
  ]);
  expect(linesIn(stdout)).toEqual(expect.arrayContaining([`- image: ${image}`, `+ image: ${newer}`]));
  expect(await state("changed")).toEqual(before);
  await settle("changed", spec);
  await eventually("nothing is left to show", async () => (await diff(manifest("changed", spec))).code === 0);
});

test("never shows what a Secret holds", async () => {
  await settle("secret", { image });
  const [secret] = (await kube.childrenOf("secret")).filter((child) => child.kind === "Secret");
  const { data, metadata } = secret!;
  await operator.stop();
  try {
    await kube.patch("Secret", metadata.name, { data: { key: "b3RoZXI=" } });
    const { stdout } = await diff(manifest("secret", { image: newer }));
    expect(objectsIn(stdout)).toContain("~ Secret/secret-request-state");
    for (const value of [data.key, data.keys, "b3RoZXI="]) expect(stdout).not.toContain(value);
  } finally {
    operator = await startOperator(inject("operator").kubeconfig, "--namespace", kube.namespace);
  }
});

describe("a field that the file no longer has is shown as dropped, where it was applied by", () => {
  const spec = { image, port: 9090 };
  const dropped = expect.arrayContaining(["- port: 9090"]);

  test("kubectl, client-side", async () => {
    kubectl(manifest("client-side", spec), "apply");
    await settled("client-side");
    expect(linesIn((await diff(manifest("client-side", { image }))).stdout)).toEqual(dropped);
    expect((await diff(manifest("client-side", spec))).code).toBe(0);
  });

  test("another tool, server-side", async () => {
    kubectl(manifest("flux", spec), "apply", "--server-side", "--field-manager", "kustomize-controller");
    await settled("flux");
    expect(linesIn((await diff(manifest("flux", { image }))).stdout)).toEqual(dropped);
    expect((await diff(manifest("flux", spec))).code).toBe(0);
  });
});

test("shows the routes as they will be once the pods of a new pool take calls", async () => {
  const className = await played.gatewayClass("diff", "example.com/controller");
  await played.gateway("edge", className);
  const routing = { gateway: { parentRefs: [{ name: "edge" }] } };
  await settle("routed", { image, routing });
  const { code, stdout, stderr } = await diff(
    manifest("routed", { image, routing, pools: [{ name: "a", tools: ["pack"] }] }),
  );
  expect([code, stderr]).toEqual([1, ""]);
  const changed = objectsIn(stdout).filter((each) => each.includes("HTTPRoute"));
  expect(changed.length).toBeGreaterThan(0);
  expect(linesIn(stdout)).toContain("+ value: pack");
});

describe("one line and exit code 2 tell of", () => {
  const oneLine = ({ code, stderr }: { code: number; stderr: string }, message: RegExp) => {
    expect([code, stderr.trimEnd().split("\n")]).toEqual([2, [expect.stringMatching(message)]]);
  };

  test("an object that the API server would refuse", async () => {
    const spec = { image, template: { spec: { restartPolicy: "Sometimes" } } };
    oneLine(
      await diff(manifest("refused", spec)),
      /^McpServer \S+\/refused: Deployment refused would be refused: .*restartPolicy/,
    );
  });

  test("an object that is somebody else's", async () => {
    await kube.client.json({
      method: "POST",
      path: `/api/v1/namespaces/${kube.namespace}/services`,
      body: { metadata: { name: "foreign" }, spec: { ports: [{ port: 80 }] } },
    });
    oneLine(
      await diff(manifest("foreign", { image })),
      /foreign: Service foreign is there already and isn't this server's/,
    );
  });

  test("a namespace that isn't there", async () => {
    oneLine(
      await diff(JSON.stringify({ apiVersion, kind, metadata: { name: "a", namespace: "nowhere" }, spec: { image } })),
      /^McpServer nowhere\/a: namespaces "nowhere" not found$/,
    );
  });

  test("a file that the schema refuses, with its line", async () => {
    oneLine(await diff(manifest("bad", { image, port: 0 })), /^<stdin>:1 spec\.port: /);
  });

  test("a right that is missing; who may edit in the namespace has all that it takes", async () => {
    const viewer = await kubeconfigOf("viewer", "view");
    oneLine(
      await diff(manifest("same", { image: newer }), "--kubeconfig", viewer),
      /is forbidden: .*cannot (get|patch) resource "mcpservers"/,
    );
    const editor = await kubeconfigOf("editor", "edit");
    const { code, stderr } = await diff(manifest("same", { image: newer }), "--kubeconfig", editor);
    expect([code, stderr]).toEqual([1, ""]);
    const routing = { gateway: { parentRefs: [{ name: "edge" }] } };
    oneLine(
      await diff(manifest("same", { image, routing }), "--kubeconfig", editor),
      /HTTPRoute \S+ would be refused: .*cannot patch resource "httproutes"/,
    );
  });
});

/** A kubeconfig of an account with a built-in role in the namespace; an editor has McpServers, too, as the chart aggregates. */
async function kubeconfigOf(name: string, role: string): Promise<string> {
  const { client, namespace } = kube;
  const post = <T>(path: string, body: object) => client.json<T>({ method: "POST", path, body });
  const accounts = `/api/v1/namespaces/${namespace}/serviceaccounts`;
  const rbac = `/apis/rbac.authorization.k8s.io/v1/namespaces/${namespace}`;
  const subjects = [{ kind: "ServiceAccount", name, namespace }];
  const bind = (binding: string, to: object) =>
    post(`${rbac}/rolebindings`, {
      metadata: { name: binding },
      roleRef: { apiGroup: "rbac.authorization.k8s.io", ...to },
      subjects,
    });
  await post(accounts, { metadata: { name } });
  await bind(name, { kind: "ClusterRole", name: role });
  if (role === "edit") {
    const rules = [{ apiGroups: ["anypod.dev"], resources: ["mcpservers"], verbs: ["get", "list", "create", "patch"] }];
    await post(`${rbac}/roles`, { metadata: { name: "mcpservers" }, rules });
    await bind("mcpservers", { kind: "Role", name: "mcpservers" });
  }
  const { status } = await post<{ status: { token: string } }>(`${accounts}/${name}/token`, {});
  const config = load(readFileSync(kubeconfig, "utf8")) as { users: { user: object }[] };
  config.users = config.users.map((user) => ({ ...user, user: { token: status.token } }));
  const file = join(folder, name);
  writeFileSync(file, dump(config), { mode: 0o600 });
  return file;
}
