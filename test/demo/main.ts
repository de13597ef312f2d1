// `npm run demo`: anypod from nothing to an answered call, and what a platform team wants to see of it, on a real cluster.
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { type Client, createClient, loadKubeConfig } from "../../operator/kube/client.ts";
import { endCluster } from "../cluster/end.ts";
import { attachCluster, type Cluster, startCluster } from "../cluster/index.ts";
import type { Tally } from "../driver/tally.ts";
import { type Driver, serviceAddress, startDriver } from "../support/driver.ts";
import { basket, driver as driverImage, loadImages, newBasket } from "../support/images.ts";
import { installCrd, namespaceObjects } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import { startDetachedOperator, stopDetachedOperator } from "./operator.ts";

const help = `npm run demo             a cluster, the operator and the sample server; shows what they do, and leaves them running
npm run demo -- down     ends all of it; nothing stays behind
`;

const clusterName = "demo";
const namespace = "shop";
const server = "basket";
const manifest = fileURLToPath(new URL("../../examples/basket.yaml", import.meta.url));

let stepNumber = 0;
let stepBegan = Date.now();
const say = (line: string) => console.log(`     ${line}`);
function step(title: string) {
  stepNumber += 1;
  stepBegan = Date.now();
  console.log(`\n${String(stepNumber).padStart(2)}.  ${title}`);
}
const took = () => `${((Date.now() - stepBegan) / 1000).toFixed(1)} s`;

interface Demo {
  cluster: Cluster;
  client: Client;
  driver: Driver;
  url: string;
  kubectl: (...args: string[]) => string;
}

async function startEverything(): Promise<Omit<Demo, "driver" | "url">> {
  step("A Kubernetes cluster");
  const running = await attachCluster(clusterName);
  const cluster = running ?? (await startCluster({ mode: "pods", name: clusterName, keep: true, log: say }));
  say(`${running ? "runs already" : "ready"} (${cluster.provider}), ${took()}`);

  step("Images of the sample server (examples/basket, two versions) and of a client");
  await loadImages(cluster, [basket, newBasket, driverImage], say);
  say(`loaded, ${took()}`);

  step("The CustomResourceDefinition and the operator");
  await installCrd(cluster.kubeconfig);
  await startDetachedOperator(cluster.kubeconfig);
  say(`the operator runs, ${took()}`);
  const kubectl = (...args: string[]) =>
    execFileSync(cluster.kubectl, ["--kubeconfig", cluster.kubeconfig, ...args], { encoding: "utf8" }).trimEnd();
  return { cluster, client: createClient(loadKubeConfig(cluster.kubeconfig)), kubectl };
}

const show = (text: string) => text.split("\n").forEach(say);

async function waitReady({ kubectl }: Pick<Demo, "kubectl">, pods: number): Promise<void> {
  kubectl("-n", namespace, "wait", "mcpserver", server, "--for=condition=Ready", "--timeout=180s");
  await eventually(
    `${pods} pods are ready`,
    () =>
      kubectl("-n", namespace, "get", "mcpserver", server, "-o", "jsonpath={.status.readyReplicas}") === String(pods),
    120,
  );
}

const shares = ({ pods }: Tally) =>
  Object.entries(pods).map(([pod, calls]) => `${pod.padEnd(28)} ${String(calls).padStart(5)} calls`);

/** What the demo promises; a promise that isn't kept ends it with an error. */
function promise(kept: boolean, what: string): void {
  if (!kept) throw new Error(`the demo expected ${what}`);
}

async function deploy(base: Omit<Demo, "driver" | "url">): Promise<Demo> {
  const { kubectl, client } = base;
  step("kubectl apply -f examples/basket.yaml");
  await client
    .json({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: namespace } } })
    .catch(() => say(`namespace ${namespace} is there already`));
  // Of a demo that was cut short.
  await removeServer(base);
  kubectl("apply", "-f", manifest);
  const driver = await startDriver(client, namespace);
  await waitReady(base, 2);
  show(kubectl("-n", namespace, "get", "mcpserver"));
  say(`Ready, ${took()}`);
  return { ...base, driver, url: `http://${await serviceAddress(client, namespace, server)}/mcp` };
}

async function spread({ driver, url }: Demo, pods: number): Promise<void> {
  // A pod that is ready gets calls as soon as every node's proxy has heard of it.
  const tally = await eventually(`all ${pods} pods answer`, async () => {
    const latest = await driver.calls(url, 100);
    promise(latest.failed === 0, `no call to fail, but: ${latest.errors.join("; ")}`);
    return Object.keys(latest.pods).length === pods && latest;
  });
  shares(tally).forEach(say);
  say(`${tally.calls} calls, failed: ${tally.failed}`);
}

async function question({ driver, url }: Demo): Promise<void> {
  step("A tool asks back: one pod asks (input_required), another takes the answer");
  const { askedBy, answeredBy } = await driver.question(url);
  say(`asked by    ${askedBy}`);
  say(`answered by ${answeredBy}`);
  promise(askedBy !== answeredBy, "another pod to take the answer");
}

async function rollUnderLoad(demo: Demo): Promise<void> {
  const { driver, url, kubectl } = demo;
  step(`Roll to ${newBasket} under constant load, JSON and SSE calls in flight`);
  await driver.startLoad(url, 8);
  await eventually("the load is running", async () => (await driver.load()).calls > 100, 60);
  kubectl(
    "-n",
    namespace,
    "patch",
    "mcpserver",
    server,
    "--type=merge",
    "-p",
    JSON.stringify({ spec: { image: newBasket } }),
  );
  await waitReady(demo, 4);
  await eventually("all old pods are gone", () => podCount(kubectl) === 4, 120);
  const tally = await driver.stopLoad();
  for (const [version, calls] of Object.entries(tally.versions)) say(`version ${version} answered ${calls} calls`);
  say(`${tally.calls} calls, calls lost: ${tally.failed}`);
  tally.errors.forEach(say);
  promise(tally.failed === 0, "no call to be lost");
  promise(Object.keys(tally.versions).length === 2, "both versions to answer");
}

const podCount = (kubectl: Demo["kubectl"]) =>
  kubectl("-n", namespace, "get", "pods", "-l", `anypod.dev/server=${server}`, "-o", "name").split("\n").filter(Boolean)
    .length;

async function removeServer({ client, kubectl }: Pick<Demo, "client" | "kubectl">): Promise<void> {
  kubectl("-n", namespace, "delete", "mcpserver", server, "--wait=false", "--ignore-not-found");
  await eventually(
    "nothing is left",
    async () => (await namespaceObjects(client, namespace, server)).length === 0,
    150,
  );
}

async function showRemoval(demo: Demo): Promise<void> {
  step(`kubectl delete mcpserver ${server}`);
  await removeServer(demo);
  say(`nothing is left: no Deployment, pod, Service, HorizontalPodAutoscaler, Secret …, ${took()}`);
  demo.kubectl("-n", namespace, "delete", "pod", "driver", "--wait=false");
}

async function demo(): Promise<void> {
  const running = await deploy(await startEverything());
  step("100 calls through the Service with the official client: any pod answers");
  await spread(running, 2);
  await question(running);
  step(`kubectl scale mcpserver ${server} --replicas=4`);
  running.kubectl("-n", namespace, "scale", "mcpserver", server, "--replicas=4");
  await waitReady(running, 4);
  await spread(running, 4);
  await rollUnderLoad(running);
  await showRemoval(running);
  await running.client.close();
  console.log(`
The cluster and the operator go on running. Try it yourself:

  export KUBECONFIG=${running.cluster.kubeconfig}
  alias kubectl=${running.cluster.kubectl}
  kubectl apply -f examples/basket.yaml
  kubectl -n ${namespace} get mcpservers,pods
  kubectl -n ${namespace} describe mcpserver ${server}
  npm run -s anypod -- render -f examples/basket.yaml

And in the end: npm run demo -- down
`);
}

async function down(): Promise<void> {
  await stopDetachedOperator();
  await endCluster(clusterName);
  console.log("The demo's operator and cluster have ended: nothing is left of them.");
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { help: { type: "boolean", short: "h" } },
});
const commands: Record<string, () => Promise<void>> = { up: demo, down, help: async () => console.log(help) };
const command = commands[values.help ? "help" : (positionals[0] ?? "up")];

for (const signal of ["SIGINT", "SIGTERM"] as const)
  process.once(signal, () => {
    console.log("\nending what has been started …");
    void down().finally(() => process.exit(130));
  });
try {
  if (!command) throw new Error(`there is no '${positionals[0]}': see npm run demo -- --help`);
  await command();
} catch (error) {
  console.error(`\ndemo: ${(error as Error).message}`);
  console.error("Look around with kubectl, or end it with: npm run demo -- down");
  process.exitCode = 1;
}
