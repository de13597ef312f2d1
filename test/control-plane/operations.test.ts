// What the operator offers to those who run it: metrics, health, events, and a scope to work in.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { namespaced } from "../../charts/generate/rights.ts";
import { accountIn, forget, letInto } from "../support/account.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { otlpSink, type SinkSpan } from "../support/otlp-sink.ts";
import { eventually } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const kubeconfig = inject("kubeconfig");
let kube: TestKube;
let operator: RunningOperator | undefined;

beforeAll(async () => {
  kube = await testKube(kubeconfig);
});
afterEach(() => operator?.stop());

/** Where the operator serves what it said it would. */
const addressOf = (what: string) => new RegExp(`"what":"${what}","address":"([^"]+)"`).exec(operator?.log() ?? "")?.[1];
const get = async (what: string, path: string) => {
  const response = await fetch(`http://${addressOf(what)}${path}`);
  return { status: response.status, body: await response.text() };
};

test("metrics go by the names that dashboards know, and health follows the caches", async () => {
  operator = await startOperator(
    inject("operator").kubeconfig,
    ...["--metrics-bind-address", "127.0.0.1:0", "--health-probe-bind-address", "127.0.0.1:0"],
  );
  await kube.applyServer("measured", { image });
  await kube.condition("measured", "Reconciling", { status: "True" });
  expect(await get("health", "/healthz")).toMatchObject({ status: 200 });
  expect(await get("health", "/readyz")).toMatchObject({ status: 200 });
  expect(await get("metrics", "/nothing")).toMatchObject({ status: 404 });
  const { body } = await get("metrics", "/metrics");
  for (const line of [
    /^controller_runtime_reconcile_total\{controller="mcpserver",result="success"\} [1-9]/m,
    /^controller_runtime_reconcile_time_seconds_count\{controller="mcpserver"\} [1-9]/m,
    /^controller_runtime_max_concurrent_reconciles\{controller="mcpserver"\} 8/m,
    /^workqueue_depth\{name="mcpserver"\} \d/m,
    /^workqueue_queue_duration_seconds_count\{name="mcpserver"\} [1-9]/m,
    /^rest_client_requests_total\{method="PATCH",code="201"\} [1-9]/m,
    /^rest_client_request_duration_seconds_count\{verb="PATCH"\} [1-9]/m,
    /^leader_election_master_status\{name="anypod"\} 1/m,
    /^anypod_servers\{condition="Ready",status="False"\} [1-9]/m,
    /^anypod_server_settle_seconds_count \d/m,
    new RegExp(`^anypod_server_ready{service_namespace="${kube.namespace}",service_name="measured"} 0$`, "m"),
    /^anypod_server_problem_since_timestamp_seconds\{.*service_name="measured",condition="Ready",reason="RollingOut"\} [\d.]+$/m,
    /^anypod_server_pods\{.*service_name="measured",anypod_pool="main"\} \d$/m,
    /^process_cpu_seconds_total /m,
  ])
    expect(body).toMatch(line);
});

describe("traces", () => {
  afterEach(() => vi.unstubAllEnvs());

  test("follow a reconcile to each request for it", async () => {
    await using sink = await otlpSink();
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", sink.url);
    vi.stubEnv("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "200");
    operator = await startOperator(inject("operator").kubeconfig, "--namespace", kube.namespace);
    await kube.applyServer("traced", { image });
    const isOf = ({ attributes }: SinkSpan) => attributes["anypod.server"] === "traced";
    const first = await eventually("its first reconcile is traced", () => sink.spans.find(isOf));
    expect(first).toMatchObject({ name: "reconcile", attributes: { "k8s.namespace.name": kube.namespace } });
    expect(first.resource["service.name"]).toBe("anypod");
    const ofIt = sink.spans.filter(({ traceId }) => traceId === first.traceId);
    const childrenOf = (parent: SinkSpan) => ofIt.filter(({ parentSpanId }) => parentSpanId === parent.spanId);
    expect(childrenOf(first).map(({ name }) => name)).toEqual(["plan", "apply", "status"]);
    const [, apply, status] = childrenOf(first) as [SinkSpan, SinkSpan, SinkSpan];
    expect(childrenOf(apply)).toHaveLength(Number(apply.attributes["anypod.creates"]));
    for (const request of [...childrenOf(apply), ...childrenOf(status)]) {
      expect(request.name).toBe("PATCH");
      expect(request.attributes["url.path"]).toMatch(`/namespaces/${kube.namespace}/`);
      expect([200, 201]).toContain(request.attributes["http.response.status_code"]);
    }
    await operator.stop();
  });

  test("that nobody takes are told of once, and hold nothing up", async () => {
    vi.stubEnv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    vi.stubEnv("OTEL_EXPORTER_OTLP_TIMEOUT", "1000");
    vi.stubEnv("OTEL_BSP_SCHEDULE_DELAY", "200");
    operator = await startOperator(inject("operator").kubeconfig, "--namespace", kube.namespace);
    await kube.applyServer("untaken", { image });
    await kube.condition("untaken", "Reconciling", { status: "True" });
    const told = () => operator?.log().match(/traces can't be sent/g)?.length ?? 0;
    await eventually("it is told", () => told() > 0);
    await kube.applyServer("untaken", { image, replicas: 3 });
    await eventually("it goes on", async () => (await kube.get("Deployment", "untaken"))?.spec.replicas === 3);
    await operator.stop();
    expect(told()).toBe(1);
  });
});

test("the log's level is that of a file, and follows it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "log-level-"));
  const file = join(folder, "level");
  writeFileSync(file, "info\n");
  operator = await startOperator(
    inject("operator").kubeconfig,
    "--namespace",
    kube.namespace,
    "--log-level-file",
    file,
  );
  writeFileSync(file, "debug\n");
  await eventually("it hears", () => operator?.log().includes('"to":"debug"'));
  writeFileSync(file, "loud\n");
  await eventually("it objects", () => /"named":"loud".*names no level/.test(operator?.log() ?? ""));
  rmSync(folder, { recursive: true });
});

test("a webhook that can't be reached is named in the status, and its end is noticed", async () => {
  operator = await startOperator(inject("operator").kubeconfig);
  const path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
  const name = `broken-${kube.namespace}`;
  const hook = {
    name: "broken.example.com",
    // Nobody listens there.
    clientConfig: { url: "https://127.0.0.1:1/" },
    rules: [{ apiGroups: [""], apiVersions: ["v1"], operations: ["CREATE"], resources: ["services"] }],
    namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": kube.namespace } },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  };
  const body = {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name },
    webhooks: [hook],
  };
  await kube.client.json({ method: "POST", path, body });
  try {
    await eventually("the webhook is in force", async () => {
      const service = { apiVersion: "v1", kind: "Service", metadata: { name: "any" }, spec: { ports: [{ port: 80 }] } };
      const services = `/api/v1/namespaces/${kube.namespace}/services`;
      const refused = kube.client.json({ method: "POST", path: services, query: { dryRun: "All" }, body: service });
      return refused.then(
        () => false,
        ({ message }) => message.includes("broken.example.com"),
      );
    });
    await kube.applyServer("hooked", { image });
    const found = await kube.condition("hooked", "Ready", { status: "False", reason: "WritesFail" });
    expect(found.message).toContain('failed calling webhook "broken.example.com"');
  } finally {
    await kube.client.json({ method: "DELETE", path: `${path}/${name}` });
  }
  await kube.condition("hooked", "Ready", { status: "False", reason: "RollingOut" });
});

const eventsAbout = async (name: string) => {
  const { items } = await kube.client.json<{ items: AnyObject[] }>({
    path: `/apis/events.k8s.io/v1/namespaces/${kube.namespace}/events`,
  });
  return items.filter(({ regarding }) => regarding.name === name && regarding.kind === "McpServer");
};

test("an event tells of a problem, the same again is counted, and a server without one has none", async () => {
  operator = await startOperator(inject("operator").kubeconfig);
  const bad = { image, template: { spec: { restartPolicy: "Sometimes" } } };
  await kube.applyServer("told", bad);
  await kube.condition("told", "Stalled", { status: "True", reason: "Rejected" });
  const [event] = await eventually("there is an event", async () => {
    const events = await eventsAbout("told");
    return events.length > 0 && events;
  });
  expect(event).toMatchObject({ type: "Warning", reason: "Rejected", reportingController: "anypod.dev/operator" });
  expect(event?.note).toMatch(/restartPolicy/);
  await kube.applyServer("told", { image });
  await kube.condition("told", "Stalled", { status: "False" });
  await kube.applyServer("told", bad);
  await eventually("it is counted", async () => (await eventsAbout("told"))[0]?.series?.count === 2);
  expect(await eventsAbout("told")).toHaveLength(1);
  await kube.applyServer("well", { image });
  await kube.condition("well", "Reconciling", { status: "True" });
  expect(await eventsAbout("well")).toEqual([]);
});

/** Starts the operator as an account that has the chart's rights in the namespace and no other right; returns its log. */
async function runWithRightsIn(place: TestKube): Promise<() => string> {
  const account = await accountIn(place, kubeconfig);
  try {
    await letInto(place, account, namespaced);
    operator = await startOperator(account.kubeconfig, "--namespace", place.namespace);
    return operator.log;
  } finally {
    forget(account);
  }
}

describe("scope", () => {
  test("with --namespace, servers of other namespaces are left alone", async () => {
    const other = await testKube(kubeconfig);
    await other.applyServer("outside", { image });
    await kube.applyServer("inside", { image });
    operator = await startOperator(inject("operator").kubeconfig, "--namespace", kube.namespace);
    await eventually("the inner one is made", () => kube.get("Deployment", "inside"));
    await kube.condition("inside", "Reconciling", { status: "True" });
    expect(await other.childrenOf("outside")).toEqual([]);
    expect((await other.server("outside")).status).toEqual({ observedGeneration: -1 });
    await other.remove("McpServer", "outside");
  });

  test("with --namespace, rights in that namespace are enough", async () => {
    const log = await runWithRightsIn(kube);
    await kube.applyServer("bounded", { image, network: {} });
    await kube.condition("bounded", "Reconciling", { status: "True", reason: "RollingOut" });
    await kube.applyServer("bounded", { image, replicas: 1, pools: [{ name: "a" }] });
    await eventually(
      "what isn't asked for any more is pruned",
      async () => !(await kube.get("NetworkPolicy", "bounded")),
    );
    expect(log()).not.toMatch(/forbidden/i);
  });

  test("with --selector, only servers that match are looked after, as soon as they do", async () => {
    await kube.applyServer("unlabelled", { image });
    operator = await startOperator(
      inject("operator").kubeconfig,
      "--namespace",
      kube.namespace,
      "--selector",
      "tier=mcp",
    );
    await kube.patch("McpServer", "inside", { metadata: { labels: { tier: "mcp" } } });
    await kube.remove("Service", "inside");
    await eventually("the one that matches is healed", () => kube.get("Service", "inside"));
    expect(await kube.childrenOf("unlabelled")).toEqual([]);
    await kube.patch("McpServer", "unlabelled", { metadata: { labels: { tier: "mcp" } } });
    await eventually("the other one is made when it matches", () => kube.get("Deployment", "unlabelled"));
  });
});
