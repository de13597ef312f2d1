// Other writers of the same objects: rivals, thieves, autoscalers, people.
import { setTimeout as delay } from "node:timers/promises";
import type { TestKube } from "../../support/kube.ts";
import { eventually } from "../../support/wait.ts";
import { differences } from "../canonical.ts";
import { judge, must, quiet, ready, stateOf, writesIn } from "../judge.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const image = (version: number) => `registry.example.com/basket-mcp:${version}.0.0`;
const autoscaling = { minReplicas: 1, maxReplicas: 9 };

/** Does the work so many times a second, for so long; errors are the rival's own matter. */
async function repeat(perSecond: number, seconds: number, work: (count: number) => Promise<unknown>): Promise<number> {
  const until = Date.now() + seconds * 1000;
  let count = 0;
  while (Date.now() < until) {
    await Promise.all([work(++count).catch(() => {}), delay(1000 / perSecond)]);
  }
  return count;
}

const writesTo = (stage: Stage, { namespace }: TestKube, resource: string) =>
  writesIn(stage.theatre, [namespace]).filter((write) => write.resource === resource);

const rival: Scenario = {
  number: 13,
  name: "a rival writer",
  quick: true,
  async play(stage) {
    const [proxy, kube] = await Promise.all([stage.proxy(), stage.namespace()]);
    stage.operator(proxy);
    await kube.applyServer("fought", { image: image(1), autoscaling });
    await kube.applyServer("counted", { image: image(1), autoscaling: { enabled: false } });
    await Promise.all([ready(kube, "fought"), ready(kube, "counted")]);
    await quiet(stage, [kube.namespace], 1);
    const before = await stateOf(stage.theatre, kube.namespace);
    const seconds = stage.whole ? 60 : 5;

    const thefts = await repeat(20, seconds, (count) =>
      kube.patch("Service", "fought", { spec: { sessionAffinity: count % 2 ? "ClientIP" : "None" } }),
    );
    const heals = writesTo(stage, kube, "services").length;
    await judge(stage, [kube.namespace], before);
    stage.say(`${thefts} thefts of one field: ${heals} writes of services in all`);
    must(heals <= thefts + 5, `it wrote ${heals} times against ${thefts} thefts`);

    // Writes that are bound to the object's version, against a rival that changes it all the time.
    const began = Date.now();
    const rivals = repeat(20, seconds, (count) =>
      kube.patch("Deployment", "counted", { metadata: { annotations: { rival: String(count) } } }),
    );
    await kube.applyServer("counted", { image: image(2), autoscaling: { enabled: false } });
    await eventually("the change has come through", async () => {
      const deployment = await kube.get("Deployment", "counted");
      return deployment?.spec.template.spec.containers[0].image === image(2);
    });
    const took = Date.now() - began;
    const versions = await rivals;
    const conflicts = writesTo(stage, kube, "deployments").filter(({ code }) => code === 409).length;
    await ready(kube, "counted");
    await quiet(stage, [kube.namespace]);
    stage.say(`${versions} versions by a rival: the change came through after ${took} ms, with ${conflicts} conflicts`);
    must(conflicts <= versions + 5, `${conflicts} conflicts with ${versions} versions`);
    must((await kube.get("Deployment", "counted"))?.spec.replicas === 2, "the two pods of the beginning were lost");
  },
};

/** A field of ours in each kind, changed. */
const thefts: [kind: string, change: object][] = [
  ["Deployment", { spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } } }],
  ["Deployment", { metadata: { labels: { "app.kubernetes.io/managed-by": "Helm" } } }],
  ["Service", { spec: { sessionAffinity: "ClientIP" } }],
  ["Service", { metadata: { labels: { "anypod.dev/server": null } } }],
  ["HorizontalPodAutoscaler", { spec: { maxReplicas: 99 } }],
  ["HorizontalPodAutoscaler", { metadata: { labels: { "anypod.dev/server": "somebody" } } }],
  ["PodDisruptionBudget", { spec: { maxUnavailable: 5 } }],
  ["PodDisruptionBudget", { metadata: { annotations: { "anypod.dev/desired-hash": "0" } } }],
  ["ServiceAccount", { automountServiceAccountToken: true }],
  ["NetworkPolicy", { spec: { policyTypes: ["Ingress"] } }],
  ["NetworkPolicy", { metadata: { labels: { "app.kubernetes.io/managed-by": null } } }],
];

const stolen: Scenario = {
  number: 14,
  name: "a field of ours stolen; others' labels stay",
  quick: true,
  async play(stage) {
    const [proxy, kube] = await Promise.all([stage.proxy(), stage.namespace()]);
    stage.operator(proxy);
    // A server for each, so that one that fails shows nothing about the others.
    const victims = thefts.map(([kind, change], index) => ({ kind, change, name: `stolen-${index}` }));
    const spec = { image: image(1), autoscaling, network: {} };
    await Promise.all(victims.map(({ name }) => kube.applyServer(name, spec)));
    await Promise.all(victims.map(({ name }) => ready(kube, name)));
    const theirs = { metadata: { labels: { team: "shop" }, annotations: { note: "theirs" } } };
    await Promise.all(victims.map(({ kind, name }) => kube.patch(kind, name, theirs)));
    await quiet(stage, [kube.namespace], 1);
    const before = await stateOf(stage.theatre, kube.namespace);
    await Promise.all(victims.map(({ kind, name, change }) => kube.patch(kind, name, change)));
    let failed = victims;
    await eventually(
      "all are back",
      async () => {
        const now = await stateOf(stage.theatre, kube.namespace);
        const differs = (id: string) => differences(before[id], now[id]).length > 0;
        failed = victims.filter(({ kind, name }) => differs(`${kind}/${name}`));
        return failed.length === 0;
      },
      15,
    ).catch(() => {});
    const kinds = new Set(victims.map(({ kind }) => kind)).size;
    stage.say(`${victims.length} thefts in ${kinds} kinds, with others' labels and annotations on each`);
    const lost = failed.map(({ kind, change }) => `${kind}: ${JSON.stringify(change)}`);
    must(lost.length === 0, `${lost.length} never came back:\n${lost.join("\n")}`);
    await judge(stage, [kube.namespace], before);
  },
};

const hpaOwns: Scenario = {
  number: 15,
  name: "the autoscaler owns the replicas",
  quick: true,
  async play(stage) {
    const [proxy, kube] = await Promise.all([stage.proxy(), stage.namespace()]);
    let operator = stage.operator(proxy);
    const scale = (replicas: number) =>
      kube.client.json({
        method: "PATCH",
        path: `/apis/apps/v1/namespaces/${kube.namespace}/deployments/scaled/scale`,
        query: { fieldManager: "kube-controller-manager" },
        contentType: "application/merge-patch+json",
        body: { spec: { replicas } },
      });
    const apply = async (version: number) => {
      await kube.applyServer("scaled", { image: image(version), autoscaling, network: {} });
      await ready(kube, "scaled");
    };
    await apply(1);
    await scale(7);
    await apply(2);
    await operator.kill("SIGKILL");
    await scale(5);
    await kube.patch("Deployment", "scaled", { spec: { template: { spec: { terminationGracePeriodSeconds: 7 } } } });
    operator = stage.operator(proxy);
    await apply(3);
    await scale(6);
    await ready(kube, "scaled");
    await quiet(stage, [kube.namespace]);
    const bodies = writesTo(stage, kube, "deployments").map(({ body }) => body as { spec?: { replicas?: number } });
    const sent = bodies.filter(({ spec }) => spec?.replicas !== undefined).length;
    stage.say(`${bodies.length} writes of Deployments beside 3 scalings: spec.replicas in ${sent} of them`);
    must(sent === 0, `spec.replicas was sent ${sent} times`);
    const replicas: unknown = (await kube.get("Deployment", "scaled"))?.spec.replicas;
    must(replicas === 6, `the autoscaler set 6 pods, and there are ${replicas}`);
  },
};

export const writers: Scenario[] = [rival, stolen, hpaOwns];
