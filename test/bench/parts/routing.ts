// Calls through a gateway that tells 20 pools apart by their headers, through the same gateway by one route that takes all,
// and without a gateway: to the very same pods, in turns.
import type { SpecInput } from "../../../operator/api/mcpserver.ts";
import { managedByLabel, manager, serverLabel } from "../../../operator/desired/labels.ts";
import { envoyGateway, installEnvoyGateway } from "../../cluster/addons/envoy-gateway.ts";
import { gatewayAddress } from "../../cluster/addons/gateway-address.ts";
import { applyManifest, waitFor } from "../../cluster/addons/kubectl.ts";
import { envoyVersion } from "../../cluster/envoy.ts";
import { ensurePackages } from "../../cluster/packages.ts";
import { startOperator } from "../../support/operator.ts";
import { eventually } from "../../support/wait.ts";
import type { Bench } from "../bench.ts";
import { type Answered, generate, type Request } from "../generator.ts";
import { short } from "../report.ts";
import { createServer, serverPath } from "../servers.ts";
import { median, sum } from "../statistics.ts";
import { meter, pidsWith } from "../usage.ts";

const namespace = "routing";
const server = "bench";
const gateway = "bench";
const pools = Array.from({ length: 20 }, (_, index) => `p${index}`);
const toolsOf = (pool: string) => Array.from({ length: 25 }, (_, index) => `${pool}_tool_${index}`);

// --- What is called -------------------------------------------------------------------------------------------------

/** An Envoy that answers every request with the same words: the cheapest server that is at hand. */
const backend = "bench-backend";
const extension = (name: string, type: string, more: object = {}) => ({
  name: `envoy.filters.${name}`,
  typed_config: { "@type": `type.googleapis.com/envoy.extensions.filters.${type}`, ...more },
});
const answer = {
  match: { prefix: "/" },
  direct_response: {
    status: 200,
    body: { inline_string: JSON.stringify({ jsonrpc: "2.0", id: 1, result: { resultType: "complete", content: [] } }) },
  },
};
const connectionManager = extension(
  "network.http_connection_manager",
  "network.http_connection_manager.v3.HttpConnectionManager",
  {
    stat_prefix: "all",
    route_config: { virtual_hosts: [{ name: "all", domains: ["*"], routes: [answer] }] },
    http_filters: [
      // An answer before the end of its request would be the connection's last.
      extension("http.buffer", "http.buffer.v3.Buffer", { max_request_bytes: 65_536 }),
      extension("http.router", "http.router.v3.Router"),
    ],
  },
);
const backendConfig = {
  static_resources: {
    listeners: [
      {
        address: { socket_address: { address: "0.0.0.0", port_value: 8080 } },
        filter_chains: [{ filters: [connectionManager] }],
      },
    ],
  },
};

const hosts = { headers: "headers.example.com", one: "one.example.com" };

const spec: SpecInput = {
  image: `localhost/envoy:${envoyVersion()}`,
  command: ["envoy", "--concurrency", "1", "--disable-hot-restart", "--service-cluster", backend],
  args: ["--service-node", backend, "--config-yaml", JSON.stringify(backendConfig)],
  replicas: 1,
  resources: { requests: { cpu: "1m", memory: "16Mi" } },
  pools: pools.map((name) => ({ name, tools: toolsOf(name) })),
  routing: { hostnames: [hosts.headers], gateway: { parentRefs: [{ name: gateway }] } },
};

const object = (kind: string, apiVersion: string, name: string, content: object) => ({
  ...{ apiVersion, kind },
  metadata: { namespace, name },
  spec: content,
});
/** What anypod's policy for the server's routes goes by: it holds for both, and only the headers make a difference. */
const labels = { [managedByLabel]: manager, [serverLabel]: server };
const gatewayApi = "gateway.networking.k8s.io/v1";

/** The Gateway; a Service of all pods of the server, whatever their pool; and one route there, for everything. */
const beside = [
  object("Gateway", gatewayApi, gateway, {
    gatewayClassName: envoyGateway.gatewayClass,
    listeners: [{ name: "http", protocol: "HTTP", port: envoyGateway.httpPort }],
  }),
  object("Service", "v1", "all", {
    selector: { "anypod.dev/server": server },
    ports: [{ name: "http", port: 80, targetPort: 8080, appProtocol: "http" }],
  }),
  {
    ...object("HTTPRoute", gatewayApi, "one", {
      parentRefs: [{ name: gateway }],
      hostnames: [hosts.one],
      rules: [{ backendRefs: [{ name: "all", port: 80 }], timeouts: { request: "1h" } }],
    }),
    metadata: { namespace, name: "one", labels },
  },
];

/** Tools of all pools, and here and there what the main pool has. */
const methods: [method: string, name?: string][] = toolsOf("").flatMap((tool) => [
  ...pools.map((pool): [string, string] => ["tools/call", `${pool}${tool}`]),
  ["tools/list"],
]);
const requests = (host: string): Request[] =>
  methods.map(([method, name]) => ({
    path: "/mcp",
    headers: {
      Host: host,
      "Content-Type": "application/json",
      Accept: "application/json, text/event-stream",
      "MCP-Protocol-Version": "2026-07-28",
      "Mcp-Method": method,
      ...(name !== undefined && { "Mcp-Name": name }),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params: { name, arguments: { item: "tea" } } }),
  }));

// --- How it is measured ---------------------------------------------------------------------------------------------

const ways = ["by header", "one route", "direct"] as const;
type Way = (typeof ways)[number];

interface Target {
  address: string;
  requests: Request[];
}

interface Sample extends Answered {
  /** CPU seconds, by who spent them. */
  cpu: Record<string, number>;
}

const seconds = 2;
const roundsEach = 15;

async function sample(bench: Bench, target: Target): Promise<Sample> {
  const groups = { gateway: pidsWith(`${namespace}/${gateway}`), pods: pidsWith(backend) };
  const all = Object.entries(groups).flatMap(([name, pids]) => pids.map((pid) => [`${name} ${pid}`, pid] as const));
  const stop = meter(Object.fromEntries(all));
  const { cpu: own, ...answered } = await generate(bench, { ...target, seconds });
  const { cpu } = stop();
  const of = (group: string) =>
    sum(Object.entries(cpu).flatMap(([name, spent]) => (name.startsWith(`${group} `) ? [spent] : [])));
  if (answered.failed > 0) throw new Error(`${answered.failed} of ${answered.count} requests failed`);
  return { ...answered, cpu: { gateway: of("gateway"), pods: of("pods"), generator: own } };
}

/** In turns, and each round in another order: what else the machine does hits all of them alike. */
async function measure(bench: Bench, targets: Record<Way, Target>): Promise<Record<Way, Sample>[]> {
  const rounds: Record<Way, Sample>[] = [];
  for (const way of ways) await sample(bench, targets[way]);
  for (let round = 0; round < roundsEach * bench.options.rounds; round++) {
    const order = ways.map((_, index) => ways[(index + round) % ways.length] as Way);
    const samples: Partial<Record<Way, Sample>> = {};
    for (const way of order) samples[way] = await sample(bench, targets[way]);
    rounds.push(samples as Record<Way, Sample>);
    bench.say(
      `round ${round + 1}: ${ways.map((way) => `${way} ${short(perSecond(samples[way] as Sample))}`).join(", ")}`,
    );
  }
  return rounds;
}

const perSecond = ({ count, seconds: took }: Answered) => count / took;

/** What a request costs on this way, in the median round. */
function where(way: Way, samples: Sample[]): string {
  const costs = ["gateway", "pods", "generator"].map((who) => {
    const each = samples.map(({ cpu, count }) => ((cpu[who] ?? 0) / count) * 1e6);
    return `${who} ${short(median(each))}`;
  });
  const [rate, p50, p99] = [perSecond, ({ p50 }: Answered) => p50, ({ p99 }: Answered) => p99].map((of) =>
    short(median(samples.map(of))),
  );
  return `${way}: ${rate} requests/s, p50 ${p50} ms, p99 ${p99} ms; µs of CPU a request: ${costs.join(", ")}`;
}

function record(bench: Bench, rounds: Record<Way, Sample>[]): void {
  const ratio = (round: Record<Way, Sample>) => perSecond(round["by header"]) / perSecond(round["one route"]);
  const sorted = rounds.toSorted((a, b) => ratio(a) - ratio(b));
  const middle = sorted[Math.floor((sorted.length - 1) / 2)];
  if (!middle) return;
  const part = "routing";
  const of = (way: Way) => rounds.map((round) => round[way]);
  bench.record({
    part,
    measure: "requests a second, 20 pools by header, beside one route for all",
    unit: "",
    value: perSecond(middle["by header"]),
    floor: perSecond(middle["one route"]),
    bar: 0.95,
    barOnRatio: true,
    barIsLeast: true,
    where: [
      ...ways.map((way) => where(way, of(way))),
      `of ${rounds.length} rounds: ${rounds.map((round) => `${ratio(round).toFixed(3)}×`).join(", ")}`,
    ],
  });
  const p99 = (way: Way) => median(of(way).map((each) => each.p99));
  bench.record({ part, measure: "their p99", unit: "ms", value: p99("by header"), floor: p99("one route") });
  const rate = (way: Way) => median(of(way).map(perSecond));
  bench.record({
    ...{ part, measure: "the same, beside requests that go to the Service directly", unit: "" },
    ...{ value: rate("by header"), floor: rate("direct") },
  });
}

// --- Setting up -----------------------------------------------------------------------------------------------------

const isReady = ({ type, status }: { type: string; status: string }) => type === "Ready" && status === "True";

async function ready({ user }: Bench): Promise<void> {
  await eventually(
    "the server is Ready",
    async () => {
      const { status } = await user.json<{ status?: { conditions?: { type: string; status: string }[] } }>({
        path: serverPath(namespace, server),
      });
      if (status?.conditions?.some(isReady)) return true;
      throw new Error(JSON.stringify(status?.conditions?.[0]));
    },
    240,
  );
}

async function targetsOf(bench: Bench): Promise<Record<Way, Target>> {
  const address = await gatewayAddress(bench.cluster, { namespace, name: gateway });
  const service = `/api/v1/namespaces/${namespace}/services/all`;
  const { spec: all } = await bench.user.json<{ spec: { clusterIP: string } }>({ path: service });
  return {
    "by header": { address, requests: requests(hosts.headers) },
    "one route": { address, requests: requests(hosts.one) },
    direct: { address: all.clusterIP, requests: requests(hosts.one) },
  };
}

export async function run(bench: Bench): Promise<void> {
  const { cluster, say } = bench;
  if (cluster.provider !== "node")
    throw new Error("this part measures on a node of our own: as root on Linux, set ANYPOD_CLUSTER=node");
  await ensurePackages({ log: say }, ["wrk"]);
  say("installing Envoy Gateway");
  await installEnvoyGateway(cluster, { log: say });
  const operator = await startOperator(cluster.kubeconfig);
  await bench.inNamespace(namespace, async () => {
    await applyManifest(cluster, JSON.stringify({ apiVersion: "v1", kind: "List", items: beside }));
    await createServer(bench.user, namespace, server, spec);
    say("waiting for 21 pools and their routes");
    await waitFor(cluster, "condition=Programmed", `gateway/${gateway}`, `--namespace=${namespace}`);
    await ready(bench);
    record(bench, await measure(bench, await targetsOf(bench)));
  });
  await operator.stop();
}
