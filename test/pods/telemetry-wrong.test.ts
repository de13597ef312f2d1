// Telemetry that goes nowhere: what the conditions say, that servers run on, and that no token is seen anywhere.
import { createServer, type Server } from "node:http";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { freePorts } from "../cluster/ports.ts";
import { collector } from "../support/collector-image.ts";
import { basket as image } from "../support/images.ts";
import { eventually } from "../support/wait.ts";
import { podsIn, textOf } from "./charts.ts";
import { type Kubectl, kubectlIn } from "./kubectl.ts";
import { type PodWorld, podWorld } from "./support.ts";

const canaries = { endpoint: "canary-8b1e55d0", exporter: "canary-c07d2f91" };
const nobody = "http://127.0.0.1:9";
let world: PodWorld;
let kubectl: Kubectl;
let metricsPort: number;
/** Refuses everybody, and repeats what it was told. The same at one address of this machine and of the server's pod. */
let refusing: Server;
let refusingPort: number;

beforeAll(async () => {
  [metricsPort = 0, refusingPort = 0] = await freePorts(2);
  refusing = createServer((request, response) => {
    response.writeHead(401).end(`wrong token: ${request.headers.authorization}`);
  }).listen(refusingPort, "127.0.0.1");
  const metrics = ["--metrics-bind-address", `127.0.0.1:${metricsPort}`];
  // From where it runs, it asks nobody unless told to.
  world = await podWorld("--probe", "--collector-image", collector, ...metrics);
  kubectl = kubectlIn(world.kube.namespace);
  const { client, namespace } = world.kube;
  const stringData = { headers: `authorization=Bearer ${canaries.endpoint}`, token: canaries.exporter };
  const body = { metadata: { name: "tokens" }, stringData };
  await client.json({ method: "POST", path: `/api/v1/namespaces/${namespace}/secrets`, body });
});
afterAll(async () => {
  refusing.close();
  await world.end();
});

const env = Object.entries({ OTEL_BSP_SCHEDULE_DELAY: "500", OTEL_EXPORTER_OTLP_TIMEOUT: "1000" }).map(
  ([name, value]) => ({ name, value }),
);
type Endpoint = NonNullable<NonNullable<SpecInput["telemetry"]>["endpoint"]>;
const spec = (endpoint: Endpoint): SpecInput => ({ image, replicas: 1, env, telemetry: { endpoint } });

const repeats =
  "require('http').createServer((q, r) => r.writeHead(401).end('wrong token: ' + q.headers.authorization)).listen(+process.env.REFUSING)";
/** A second container in the server's pod. */
const refusingBeside = () => ({
  spec: {
    containers: [
      {
        name: "refusing",
        image,
        command: ["/usr/bin/node", "-e", repeats],
        env: [{ name: "REFUSING", value: `${refusingPort}` }],
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
});

const serverLogs = async (server: string) =>
  (
    await Promise.all((await world.pods(server, 1)).map((pod) => textOf(world.kube, pod, "/log?container=server")))
  ).join("\n");

/** Its calls are answered, although its log says that nobody takes its telemetry. */
async function runsOn(server: string, reason: string): Promise<void> {
  await world.kube.condition(server, "Ready", { status: "True" }, 150);
  expect(await world.driver.calls(await world.url(server), 20)).toMatchObject({ calls: 20, failed: 0 });
  await eventually(`${server} says why`, async () => {
    const lines = (await serverLogs(server)).split("\n").filter((line) => line.includes("telemetry can't be sent"));
    return lines.some((line) => JSON.parse(line).reason === reason);
  });
}

const telemetry = (server: string, reason: string) =>
  world.kube.condition(server, "TelemetryReady", { status: "False", reason }, 60);

test("an endpoint where nobody listens", async () => {
  await world.kube.applyServer("unreachable", spec({ url: nobody }));
  expect((await telemetry("unreachable", "EndpointUnreachable")).message).toMatch(
    /http:\/\/127.0.0.1:9 can't be reached from the operator \(ECONNREFUSED\): check .* Calls go on/,
  );
  await runsOn("unreachable", "ECONNREFUSED");
});

test("an endpoint that refuses the token", async () => {
  const url = `http://127.0.0.1:${refusingPort}`;
  const endpoint = { url, headersSecretRef: { name: "tokens", key: "headers" } };
  await world.kube.applyServer("refused", { ...spec(endpoint), template: refusingBeside() });
  expect((await telemetry("refused", "EndpointRefuses")).message).toMatch(/\(HTTP 401\): check its headers and path/);
  await runsOn("refused", "401");
});

test("a Secret that isn't there, then a key that isn't in it, and once both are, the condition follows", async () => {
  const headersSecretRef = { name: "later", key: "headers" };
  await world.kube.applyServer("keyless", spec({ url: nobody, headersSecretRef }));
  expect((await telemetry("keyless", "SecretNotFound")).message).toMatch(
    /headersSecretRef names Secret later, which isn't in namespace .*: create it, or correct the spec/,
  );
  await runsOn("keyless", "ECONNREFUSED");
  await kubectl("create", "secret", "generic", "later", "--from-literal=other=x");
  expect((await telemetry("keyless", "SecretKeyNotFound")).message).toMatch(/names key headers of Secret later/);
  await world.kube.condition("keyless", "Ready", { status: "True" });
  await world.kube.patch("Secret", "later", { stringData: { headers: "authorization=Bearer x" } });
  await telemetry("keyless", "EndpointUnreachable");
  await runsOn("keyless", "ECONNREFUSED");
});

test("tokens are seen nowhere: no log, event, status, object, metric or trace", async () => {
  const exporters = {
    debug: { verbosity: "detailed" },
    "otlphttp/nowhere": { endpoint: nobody, headers: { authorization: `Bearer \${env:TOKEN}` } },
  };
  const resources = { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "128Mi" } };
  const token = [{ name: "TOKEN", valueFrom: { secretKeyRef: { name: "tokens", key: "token" } } }];
  await world.run(
    "exporting",
    { image, replicas: 1, telemetry: { collector: { exporters, env: token, resources } } },
    1,
  );
  await world.kube.condition("exporting", "TelemetryReady", { status: "True" }, 120);
  const url = await world.url("exporting");
  const [pod] = await podsIn(world.kube, "anypod.dev/server=exporting,anypod.dev/role=collector");
  const collectorLog = () => textOf(world.kube, pod!, "/log?container=collector");
  await eventually("traces come to the collector", async () => {
    await world.driver.calls(url, 1);
    return (await collectorLog()).includes("tools/call price");
  });

  const servers = ["exporting", "refused"];
  const objects = (await Promise.all(servers.map(world.kube.childrenOf))).flat();
  const collectorMetrics = await world.driver.send({ url: `http://${pod!.status.podIP}:8888/metrics`, method: "GET" });
  const shown = {
    objects: JSON.stringify(objects.filter(({ kind }) => kind !== "Secret")),
    "McpServers, events and pods": await kubectl("get", "mcpservers,events,pods,replicasets", "-o", "yaml"),
    "logs of servers": (await Promise.all(servers.map(serverLogs))).join("\n"),
    "the collector's log, with traces": await collectorLog(),
    "the collector's metrics": collectorMetrics.body,
    "the operator's log": world.operator.log(),
    "the operator's metrics": await (await fetch(`http://127.0.0.1:${metricsPort}/metrics`)).text(),
  };
  for (const [where, text] of Object.entries(shown)) {
    expect(text.length, where).toBeGreaterThan(200);
    for (const canary of Object.values(canaries)) {
      expect(text.includes(canary), `a token is in ${where}`).toBe(false);
      const encoded = Buffer.from(`Bearer ${canary}`).toString("base64").replace(/=+$/, "");
      expect(text.includes(encoded), `a token is in ${where}, in base64`).toBe(false);
    }
  }
});
