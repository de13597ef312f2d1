// Names, namespaces and definitions at their limits, and a server that never works.
import { setTimeout as delay } from "node:timers/promises";
import { installGatewayApi } from "../../cluster/addons/gateway-api.ts";
import { findKubectl } from "../../cluster/existing.ts";
import { installCrd, type TestKube } from "../../support/kube.ts";
import { eventually } from "../../support/wait.ts";
import { must, quiet, reach, ready, shownWrite, statesOfStory, writesIn } from "../judge.ts";
import { lanes } from "../lanes.ts";
import type { ChaosProxy } from "../proxy.ts";
import { percentile, type Scenario, sum } from "../scenario.ts";
import { openStage, openTheatre, type Stage } from "../stage.ts";
import { serverName, story } from "../story.ts";

const image = (version: number) => `registry.example.com/basket-mcp:${version}.0.0`;

const terminating: Scenario = {
  number: 20,
  name: "namespace terminating",
  quick: true,
  async play(stage) {
    const [proxy, kube] = await Promise.all([stage.proxy(), stage.namespace()]);
    stage.operator(proxy);
    const { client, namespace } = kube;
    const path = `/api/v1/namespaces/${namespace}`;
    await kube.applyServer("doomed", { image: image(1), replicas: 2, network: {} });
    await ready(kube, "doomed");
    // Two things hold the namespace: one of them is a server that can't go.
    const finalizers = ["example.com/held"];
    await client.json({ method: "POST", path: `${path}/configmaps`, body: { metadata: { name: "held", finalizers } } });
    await kube.applyServer("held", { image: image(1), replicas: 1 });
    await ready(kube, "held");
    await kube.patch("McpServer", "held", { metadata: { finalizers } });
    const before = writesIn(stage.theatre, [namespace]).length;
    await client.json({ method: "DELETE", path });
    await eventually("its Deployments are gone", async () => (await kube.list("Deployment")).length === 0);
    await quiet(stage, [namespace]);
    const late = writesIn(stage.theatre, [namespace]).slice(before);
    const creates = late.filter(({ verb, subresource }) => verb !== "delete" && subresource === "");
    stage.say(`${late.length} writes while the namespace went: ${late.slice(0, 6).map(shownWrite).join(", ")}`);
    // Each of a server's seven objects that goes brings a pass, which tries once to make those that have gone so far.
    must(creates.length <= 2 * ((7 * 8) / 2), `${creates.length} tries to make objects in a namespace that goes`);
    const letGo = {
      method: "PATCH",
      contentType: "application/merge-patch+json",
      body: { metadata: { finalizers: null } },
    } as const;
    await client.json({ ...letGo, path: `${path}/configmaps/held` });
    await kube.patch("McpServer", "held", { metadata: { finalizers: null } });
    await eventually("the namespace is gone", () =>
      client.json({ path }).then(
        () => false,
        () => true,
      ),
    );
    await client.json({ method: "POST", path: "/api/v1/namespaces", body: { metadata: { name: namespace } } });
    await kube.applyServer("doomed", { image: image(2), replicas: 2, network: {} });
    await ready(kube, "doomed");
    stage.say("made again under its name: Ready");
  },
};

const definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/mcpservers.anypod.dev";

/** On a control plane of its own, as a definition is everybody's. */
async function withoutDefinition(stage: Stage, play: (inner: Stage) => Promise<void>): Promise<void> {
  const theatre = await openTheatre(stage.theatre.run, `chaos-d-${process.pid}`, { definition: false });
  const inner = openStage(theatre, stage.say);
  try {
    await play(inner);
  } finally {
    await inner.close();
    await theatre.stop();
  }
}

const gatewayDefinitions = ["httproutes", "gateways", "gatewayclasses"];

/** Takes the definitions of Gateway API away, and waits until none of its routes is left. */
async function removeGatewayApi({ theatre: { client } }: Stage): Promise<void> {
  const path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
  const isGone = (each: string) =>
    client.json({ path: `${path}/${each}.gateway.networking.k8s.io` }).then(
      () => false,
      () => true,
    );
  for (const each of gatewayDefinitions)
    await client.json({ method: "DELETE", path: `${path}/${each}.gateway.networking.k8s.io` });
  for (const each of gatewayDefinitions) await eventually(`${each} are gone`, () => isGone(each), 60);
}

/** A server that asks for a Gateway has its route soon after Gateway API is there, however often that comes and goes. */
async function gatewayApiComes(stage: Stage, times: readonly string[]): Promise<void> {
  const { kubeconfig } = stage.theatre;
  const [kube, kubectl] = await Promise.all([stage.namespace(), findKubectl(stage.say)]);
  const routing = { gateway: { parentRefs: [{ name: "edge" }] } };
  await kube.applyServer("routed", { image: image(1), replicas: 1, routing });
  for (const [index, what] of times.entries()) {
    if (index > 0) await removeGatewayApi(stage);
    await kube.condition("routed", "Ready", { status: "False", reason: "HTTPRouteNotInstalled" }, 60);
    await installGatewayApi({ kubeconfig, kubectl });
    const began = Date.now();
    await eventually("the server has its route", async () => (await kube.list("HTTPRoute")).length === 1, 60);
    const seconds = (Date.now() - began) / 1000;
    stage.say(`Gateway API ${what}: the route is there ${seconds.toFixed(1)} s after it`);
    must(seconds <= 10, "it took more than 10 s to notice Gateway API");
    await kube.condition("routed", "Routed", { status: "False", reason: "GatewayNotFound" });
  }
  await kube.remove("McpServer", "routed");
}

const missingDefinition: Scenario = {
  number: 21,
  name: "CRDs missing at start (ours, Gateway API's), deleted, installed again",
  quick: true,
  async play(stage) {
    const [made = {}] = await statesOfStory(stage);
    const [step] = story;
    if (!step) throw new Error("the story has no step");
    await withoutDefinition(stage, async (inner) => {
      const { client, kubeconfig } = inner.theatre;
      const proxy = await inner.proxy();
      const operator = inner.operator(proxy);
      const seconds = stage.whole ? 60 : 5;
      await eventually("it asks for McpServers", () => proxy.journal.some(({ resource }) => resource === "mcpservers"));
      const began = proxy.journal.length;
      // The point is that time passes.
      await delay(seconds * 1000);
      must(operator.alive(), `it has ended:\n${operator.log().slice(-1000)}`);
      const rate = (proxy.journal.length - began) / seconds;
      must(rate <= 10, `${rate.toFixed(1)} requests a second while there is no definition`);
      const install = async () => {
        await installCrd(kubeconfig);
        await inner.theatre.rediscover();
      };
      await install();
      const kube = await inner.namespace();
      const serve = async (what: string) => {
        await kube.applyServer(serverName, step.spec);
        const took = await reach(inner, [kube.namespace], made, 120);
        stage.say(
          `${what}: ${rate.toFixed(1)} requests a second before; right ${(took / 1000).toFixed(1)} s after it was installed`,
        );
        return took;
      };
      must((await serve("missing at start")) <= 40_000, "it took more than 40 s to notice the definition");
      const times = ["installed later", "deleted and installed again"];
      await gatewayApiComes(inner, stage.whole ? times : times.slice(0, 1));
      must(operator.alive(), `it has ended:\n${operator.log().slice(-1000)}`);
      if (!stage.whole) return;
      await client.json({ method: "DELETE", path: definition });
      await eventually("the servers are gone", () =>
        client.json({ path: "/apis/anypod.dev/v1alpha1/mcpservers" }).then(
          () => false,
          () => true,
        ),
      );
      await install();
      await serve("deleted and installed again");
      must(operator.alive(), `it has ended:\n${operator.log().slice(-1000)}`);
      await quiet(inner, [kube.namespace]);
    });
  },
};

const longNames: Scenario = {
  number: 24,
  name: "63-character names with a shared prefix",
  quick: true,
  async play(stage) {
    const [proxy, kube] = await Promise.all([stage.proxy(), stage.namespace()]);
    stage.operator(proxy);
    const prefix = "s".repeat(61);
    const poolPrefix = "p".repeat(61);
    const pools = [{ name: `${poolPrefix}-1` }, { name: `${poolPrefix}-2` }];
    // The last two are the same text, cut in different places.
    const servers = [`${prefix}-1`, `${prefix}-2`, `${prefix}x1`, "s", `s-${poolPrefix}`];
    const spec = { image: image(1), autoscaling: { minReplicas: 1, maxReplicas: 2 }, network: {}, pools };
    await Promise.all(servers.map((name) => kube.applyServer(name, spec)));
    await Promise.all(servers.map((name) => ready(kube, name)));
    const children = await Promise.all(servers.map((name) => kube.childrenOf(name)));
    const counts = new Set(children.map(({ length }) => length));
    must(counts.size === 1, `servers of one spec have ${[...counts].join(", ")} objects`);
    const uids = new Set(children.flat().map(({ metadata }) => metadata.uid));
    must(uids.size === children.flat().length, "two servers share an object");
    const tooLong = children.flat().filter(({ metadata }) => metadata.name.length > 63);
    must(tooLong.length === 0, `longer than 63: ${tooLong.map(({ metadata }) => metadata.name).join(", ")}`);
    await quiet(stage, [kube.namespace]);
    stage.say(`${servers.length} servers with ${children[0]?.length} objects each, all distinct`);
  },
};

/** How long each server takes from a change of its spec to the change of its Deployment, in milliseconds. */
async function changeTimes(kube: TestKube, names: readonly string[], version: number): Promise<number[]> {
  const times: number[] = [];
  await lanes(2, names, async (name) => {
    const began = performance.now();
    await kube.applyServer(name, { image: image(version), replicas: 1 });
    await eventually(`${name} has version ${version}`, async () => {
      const deployment = await kube.get("Deployment", name);
      return deployment?.spec.template.spec.containers[0].image === image(version);
    });
    times.push(performance.now() - began);
  });
  return times;
}

interface Round {
  stage: Stage;
  kube: TestKube;
  proxy: ChaosProxy;
  names: readonly string[];
  version: number;
}

/** Whether changes come through as fast beside the poison as without it. */
async function isCalm({ stage, kube, proxy, names, version }: Round): Promise<boolean> {
  proxy.rules();
  const without = await changeTimes(kube, names, version);
  proxy.rules({ name: "poisoned", match: { write: true, name: "poison" }, fault: { kind: "answer", status: 500 } });
  await kube.applyServer("poison", { image: image(version), replicas: 1 });
  const tried = sum(proxy.injected());
  const beside = await changeTimes(kube, names, version + 1);
  // Of 50, the 99th in a hundred is the slowest one alone, which says more of the machine.
  const share = stage.whole ? 0.99 : 0.9;
  const [before, after] = [percentile(without, share), percentile(beside, share)];
  stage.say(
    `${names.length} servers, change → Deployment p${100 * share} ${before.toFixed(0)} ms alone, ${after.toFixed(0)} ms beside the poison, whose writes were refused ${sum(proxy.injected()) - tried} times`,
  );
  return after <= before * 1.2 + 100;
}

const poison: Scenario = {
  number: 25,
  name: "a poison server among many",
  quick: true,
  alone: true,
  async play(stage) {
    const [proxy, kube] = await Promise.all([stage.proxy(), stage.namespace()]);
    await stage.operator(proxy).synced();
    const names = Array.from({ length: stage.whole ? 1000 : 50 }, (_, index) => `server-${index}`);
    await lanes(8, names, async (name) => void (await kube.applyServer(name, { image: image(1), replicas: 1 })));
    await lanes(8, names, async (name) => void (await ready(kube, name, 300)));
    const rounds = Array.from({ length: stage.whole ? 1 : 3 }, (_, index) => index);
    let calm = false;
    for (const round of rounds) {
      // A busy machine is no poison: one calm round is enough.
      if (!calm) calm = await isCalm({ stage, kube, proxy, names, version: 2 + 3 * round });
    }
    must(calm, "the others' changes took longer by more than a fifth and 100 ms");
    proxy.rules();
    await kube.applyServer("poison", { image: image(99), replicas: 1 });
    await ready(kube, "poison", 150);
    await quiet(stage, [kube.namespace]);
  },
};

export const lifecycle: Scenario[] = [terminating, missingDefinition, longNames, poison];
