// No call is lost while a server changes under constant load that comes in by a gateway, whatever the change is; and each
// change is seen in who answers before the next one is made.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import type { LoadTally } from "../driver/load.ts";
import { basket, newBasket } from "../support/images.ts";
import { eventually } from "../support/wait.ts";
import { type GatewayWorld, gatewayWorld, type Implementation, implementations } from "./support.ts";
import { answeredBy, toolCall } from "./wire.ts";

let world: GatewayWorld;
beforeAll(async () => {
  world = await gatewayWorld();
});
afterAll(() => world.end());

/** Who answered some calls. The fast ones are of the tool `price`, the slow ones of `gift_wrap`. */
interface Answers {
  fast: number;
  slow: number;
  /** By the name of the pool. */
  pools: Record<string, number>;
  versions: Record<string, number>;
}

const load = async () => (await world.driver.load()) as LoadTally;

const minus = (after: Record<string, number>, before: Record<string, number>) =>
  Object.entries(after).flatMap(([key, count]): [string, number][] => {
    const more = count - (before[key] ?? 0);
    return more > 0 ? [[key, more]] : [];
  });

/** Pods of a pool are named after server and pool, those of the main one after the server alone. */
const poolOf = (pod: string) => (pod.split("-").length === 3 ? "main" : (pod.split("-")[1] ?? ""));

function byPool(pods: [pod: string, count: number][]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [pod, count] of pods) sums[poolOf(pod)] = (sums[poolOf(pod)] ?? 0) + count;
  return sums;
}

function between(before: LoadTally, after: LoadTally): Answers {
  const ofSpeed = ({ byKind }: LoadTally, speed: string) =>
    Object.entries(byKind).reduce((sum, [kind, { calls }]) => sum + (kind.startsWith(speed) ? calls : 0), 0);
  return {
    fast: ofSpeed(after, "fast") - ofSpeed(before, "fast"),
    slow: ofSpeed(after, "slow") - ofSpeed(before, "slow"),
    pools: byPool(minus(after.pods, before.pods)),
    versions: Object.fromEntries(minus(after.versions, before.versions)),
  };
}

/** Who answers the next calls: enough of them to tell. */
async function nextAnswers(): Promise<Answers> {
  const before = await load();
  return eventually("calls are answered", async () => {
    const answers = between(before, await load());
    return answers.fast >= 60 && answers.slow >= 6 && answers;
  });
}

const onlyBy = (pool: string) => (answers: Answers) => Object.keys(answers.pools).join() === pool;
const onlyFrom = (version: string) => (answers: Answers) => Object.keys(answers.versions).join() === version;
/** The fast tool is the pool's, so that many calls change their way at once; the slow one is the main one's. */
const fastBy = (pool: string) => (answers: Answers) =>
  answers.pools[pool] === answers.fast && answers.pools.main === answers.slow;
const isHalf = ({ pools: { main = 0, canary = 0 } }: Answers) => Math.abs(canary / (main + canary) - 0.5) < 0.2;

describe.each(Object.keys(implementations) as Implementation[])("under load through %s, no call fails", (by) => {
  const server = implementations[by].gatewayClass;
  const hostname = `${server}.changes.example.com`;
  let base: SpecInput;
  let via: string;

  beforeAll(async () => {
    const { parentRef, address } = await world.gateway(by);
    const routing = { hostnames: [hostname], gateway: { parentRefs: [parentRef] } };
    base = { image: basket, replicas: 2, routing };
    via = address;
    await world.run(server, { ...base, env: [{ name: "SERVER_VERSION", value: "0.9.0" }] }, 2);
    const url = `http://${hostname}/mcp`;
    await eventually(`${url} answers`, async () => (await world.driver.calls(url, 1, via)).failed === 0);
    await world.driver.startLoad(url, 8, via);
    expect(onlyFrom("0.9.0")(await nextAnswers())).toBe(true);
  });
  afterAll(async () => {
    const { errors, failed } = await world.driver.stopLoad();
    await world.kube.remove("McpServer", server);
    expect({ errors, failed }).toEqual({ errors: [], failed: 0 });
  });

  /** Makes the change, waits until its pods are all that there are and until calls go as told; none may have failed. */
  async function becomes(spec: SpecInput, pods: number, areRight: (answers: Answers) => boolean): Promise<void> {
    const before = await load();
    await world.run(server, spec, pods);
    await eventually("calls go where the spec says", async () => {
      const answers = await nextAnswers();
      if (areRight(answers)) return true;
      throw new Error(JSON.stringify(answers));
    });
    const { errors, failed } = await load();
    expect(errors.slice(before.errors.length)).toEqual([]);
    expect(failed - before.failed).toBe(0);
  }

  test("when its environment changes", () => becomes(base, 2, onlyFrom("1.0.0")));

  test("when its image changes", async () => {
    base = { ...base, image: newBasket };
    await becomes(base, 2, onlyFrom("1.1.0"));
  });

  const pool = (name: string) => ({ name, tools: ["price"], replicas: 1 });
  test("when a pool is added", () => becomes({ ...base, pools: [pool("prices")] }, 3, fastBy("prices")));
  test("when a pool is renamed", () => becomes({ ...base, pools: [pool("costs")] }, 3, fastBy("costs")));
  test("when a pool is removed", () => becomes(base, 2, onlyBy("main")));

  const canary = (weight: number): SpecInput => ({
    ...base,
    canary: { image: basket, replicas: 1, weight, header: { name: "X-Canary", value: "yes" } },
  });
  const share = async () => (await world.kube.server(server)).status?.pools?.find(({ name }) => name === "canary");

  test("when a canary is added, which gets calls by its header alone", async () => {
    await becomes(canary(0), 3, onlyBy("main"));
    const call = toolCall(`http://${hostname}/mcp`, "price", { item: "tea" }, { "X-Canary": "yes" });
    await eventually(
      "the header brings calls to the canary",
      async () => poolOf(answeredBy(await world.driver.send({ ...call, via }))) === "canary",
    );
    expect(await share()).toMatchObject({ weight: 0, readyReplicas: 1 });
  });
  test("when the canary gets half of the calls, and the status says so", async () => {
    await becomes(canary(50), 3, isHalf);
    expect(await share()).toMatchObject({ weight: 50, readyReplicas: 1 });
  });
  test("when the canary gets all calls, and the status says so", async () => {
    await becomes(canary(100), 3, onlyBy("canary"));
    expect(await share()).toMatchObject({ weight: 100, readyReplicas: 1 });
  });
  test("when the canary is promoted", async () => {
    base = { ...base, image: basket };
    await becomes(base, 2, (answers) => onlyBy("main")(answers) && onlyFrom("1.0.0")(answers));
    expect(await share()).toBeUndefined();
  });
});
