// Requests that go wrong: errors, lost answers, being told to wait, an API server that is away.
import { setTimeout as delay } from "node:timers/promises";
import type { TestKube } from "../../support/kube.ts";
import { eventually } from "../../support/wait.ts";
import { judge, lastState, must, quiet, ready, tell } from "../judge.ts";
import { lanes } from "../lanes.ts";
import type { CallRecord } from "../proxy.ts";
import type { Rule } from "../rules.ts";
import { type Scenario, sum } from "../scenario.ts";
import type { Stage } from "../stage.ts";

/** A third of all requests fail. */
function unreliable(): Rule[] {
  return ([500, 503, 504] as const).map((status) => ({
    name: `answers ${status}`,
    match: {},
    fault: { kind: "answer", status },
    // Each of the three decides for itself: together 30 %.
    when: { chance: 0.112 },
  }));
}

async function playSeed(stage: Stage, seed: number): Promise<number> {
  const proxy = await stage.proxy(seed);
  proxy.rules(...unreliable());
  const kube = await stage.namespace();
  const operator = stage.operator(proxy, "--namespace", kube.namespace);
  try {
    await tell(stage, [kube], { seconds: 120 });
    await judge(stage, [kube.namespace], await lastState(stage));
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`);
  } finally {
    await operator.kill("SIGKILL");
    await proxy.stop();
  }
  return sum(proxy.injected());
}

const randomErrors: Scenario = {
  number: 11,
  name: "30 % random 500, 503 and 504",
  quick: true,
  async play(stage) {
    await lastState(stage);
    const seeds = Array.from({ length: stage.whole ? 100 : 5 }, (_, index) => stage.seed + index);
    let faults = 0;
    await lanes(3, seeds, async (seed) => {
      const injected = await playSeed(stage, seed);
      faults += injected;
    });
    stage.say(`${seeds.length} seeds from ${stage.seed}, ${faults} requests answered with an error`);
  },
};

const lostAnswers: Scenario = {
  number: 12,
  name: "write done, answer lost",
  quick: true,
  async play(stage) {
    const kubes = await Promise.all(Array.from({ length: 14 }, () => stage.namespace()));
    const proxy = await stage.proxy();
    stage.operator(proxy);
    await tell(stage, kubes, {
      before: () =>
        proxy.rules(
          ...kubes.map(
            ({ namespace }, index): Rule => ({
              name: `answer to write ${index + 1} lost`,
              match: { write: true, namespace },
              fault: { kind: "reset", at: "after" },
              when: { nth: index + 1 },
            }),
          ),
        ),
    });
    await judge(
      stage,
      kubes.map(({ namespace }) => namespace),
      await lastState(stage),
    );
    stage.say(`${sum(proxy.injected())} answers lost: the n-th of each of four steps`);
  },
};

/** Requests that were sent again before the time that the answer to the last one gave. */
function tooSoon(journal: readonly CallRecord[], seconds: number): string[] {
  const refused = new Map<string, number>();
  return journal.flatMap(({ verb, resource, namespace, name, subresource, at, status }) => {
    const call = `${verb} ${resource} ${namespace}/${name} ${subresource}`.trim();
    const before = refused.get(call);
    refused.delete(call);
    if (status === 429) refused.set(call, at);
    // A clock that ticks in milliseconds, and a timer that may be early by one.
    const early = before !== undefined && at - before < seconds * 1000 - 20;
    return early ? [`${call} again after ${at - before} ms`] : [];
  });
}

const retryAfter: Scenario = {
  number: 10,
  name: "429 with Retry-After honoured",
  quick: true,
  async play(stage) {
    const seconds = 2;
    const proxy = await stage.proxy();
    const kube = await stage.namespace();
    const refuse = (name: string, match: Rule["match"], times: number): Rule => ({
      ...{ name, match, fault: { kind: "answer", status: 429, retryAfter: seconds }, when: { times } },
    });
    proxy.rules(refuse("429 to lists", { verb: "list" }, 5));
    await stage.operator(proxy).synced();
    await tell(stage, [kube], {
      before: () => proxy.rules(refuse("429 to writes", { write: true, namespace: kube.namespace }, 3)),
    });
    proxy.rules(refuse("429 to watches", { verb: "watch" }, 5));
    for (const stream of proxy.streams()) stream.end("end");
    await judge(stage, [kube.namespace], await lastState(stage));
    const early = tooSoon(proxy.journal, seconds);
    stage.say(`${JSON.stringify(proxy.injected())}, each with Retry-After: ${seconds}`);
    must(early.length === 0, `${early.length} requests came again too soon: ${early.slice(0, 5).join("; ")}`);
  },
};

const image = (version: number) => `registry.example.com/basket-mcp:${version}.0.0`;

/** When each server's Deployment has the image, in milliseconds from `began`. */
async function arrivals(
  { client, namespace }: TestKube,
  wanted: string,
  count: number,
  began: number,
): Promise<number[]> {
  const arrived = new Map<string, number>();
  interface Deployments {
    items: { metadata: { name: string }; spec: { template: { spec: { containers: { image: string }[] } } } }[];
  }
  await eventually("all Deployments have the new image", async () => {
    const { items } = await client.json<Deployments>({ path: `/apis/apps/v1/namespaces/${namespace}/deployments` });
    for (const { metadata, spec } of items)
      if (spec.template.spec.containers[0]?.image === wanted && !arrived.has(metadata.name))
        arrived.set(metadata.name, Date.now() - began);
    return arrived.size === count;
  });
  return [...arrived.values()];
}

/** More than this, over time, is no longer a back-off. */
const triesASecond = 10;

const away: Scenario = {
  number: 9,
  name: "API server away",
  quick: true,
  async play(stage) {
    const seconds = stage.whole ? 300 : 20;
    const count = 10;
    const proxy = await stage.proxy();
    const kube = await stage.namespace();
    const operator = stage.operator(proxy);
    const servers = Array.from({ length: count }, (_, index) => `server-${index}`);
    const spec = (version: number) => ({ image: image(version), replicas: 1 });
    await Promise.all(servers.map((name) => kube.applyServer(name, spec(1))));
    await Promise.all(servers.map((name) => ready(kube, name)));

    const tries = proxy.away();
    await Promise.all(servers.map((name) => kube.applyServer(name, spec(2))));
    // The point is that time passes.
    await delay(seconds * 1000);
    must(operator.alive(), `it has ended:\n${operator.log().slice(-1000)}`);
    const rate = tries() / seconds;
    proxy.back();
    const times = await arrivals(kube, image(2), count, Date.now());
    const slowest = Math.max(...times);
    stage.say(
      `away for ${seconds} s: ${tries()} tries (${rate.toFixed(1)} a second); all ${count} servers right after ${(slowest / 1000).toFixed(1)} s`,
    );
    must(rate <= triesASecond, `${rate.toFixed(1)} tries a second while the API server was away`);
    must(slowest <= 5000, `recovery took ${(slowest / 1000).toFixed(1)} s, and 5 s are allowed`);
    await Promise.all(servers.map((name) => ready(kube, name)));
    await quiet(stage, [kube.namespace]);
  },
};

export const answers: Scenario[] = [away, retryAfter, randomErrors, lostAnswers];
