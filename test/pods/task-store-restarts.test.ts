// Ten thousand tasks over the restarts that a cluster goes through. They are put straight into the stores, as the sample server
// writes them: through its pods they would take minutes.
import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import { attachCluster } from "../cluster/index.ts";
import { chooseProvider } from "../cluster/providers.ts";
import { startDriver } from "../support/driver.ts";
import { basket as image } from "../support/images.ts";
import { startOperator } from "../support/operator.ts";
import { eventually } from "../support/wait.ts";
import { postgresqlEngine, redisEngine, storeImageFlags, storeOf, type TestEngine } from "./engines.ts";
import { type Kubectl, kubectlIn } from "./kubectl.ts";
import { type PodWorld, podWorld } from "./support.ts";
import { get, type Speaker, speaker } from "./tasks.ts";

vi.setConfig({ testTimeout: 240_000 });
const { provider } = await chooseProvider("pods");

const engines = [redisEngine, postgresqlEngine];
const many = 10_000;
const resources = { requests: { cpu: "10m", memory: "64Mi" } };
const spec = ({ spec }: TestEngine) => ({ image, replicas: 1, resources, taskStore: spec() });

let world: PodWorld;
let kubectl: Kubectl;
let tasks: Speaker;
let digests: string[];
const prefix = (engine: TestEngine) => `${world.kube.namespace}/${engine.name}:`;
const store = (engine: TestEngine) => storeOf(world, kubectl, engine.name, engine);
const digestsNow = () => Promise.all(engines.map((engine) => store(engine).exec(engine.digest(prefix(engine)))));

beforeAll(async () => {
  world = await podWorld(...storeImageFlags);
  kubectl = kubectlIn(world.kube.namespace);
  tasks = speaker(world.driver);
  await Promise.all(engines.map((engine) => world.run(engine.name, spec(engine), 1)));
  await Promise.all(engines.map((engine) => store(engine).exec(engine.fill(prefix(engine), many))));
  digests = await digestsNow();
});
afterAll(() => world.end());

/** All tasks are there, byte by byte, and pods answer for some of them. */
async function expectAll(): Promise<void> {
  expect(await digestsNow()).toEqual(digests);
  for (const { name } of engines) {
    const url = await world.url(name);
    const some = Array.from({ length: 20 }, (_, i) => `bulk-${1 + i * 500}`);
    await eventually(`${name} answers for its tasks`, async () => {
      const answers = await tasks.ask(url, some.map(get));
      return answers.every(({ result }) => result?.status === "completed");
    });
  }
}

describe("ten thousand tasks in each store", () => {
  test("are there", async () => {
    expect(digests.map((each) => each.split(" ")[0])).toEqual([`${many}`, `${many}`]);
    await expectAll();
  });

  test("survive a restart of their store", async () => {
    await Promise.all(
      engines.map(async (engine) => {
        const before = await store(engine).pod();
        await kubectl("delete", "pod", before.name);
        await store(engine).back(before);
      }),
    );
    await expectAll();
  });

  test.runIf(provider === "node")(
    "survive a restart of the node: all of its processes are killed at once",
    async () => {
      const before = await Promise.all(engines.map((engine) => store(engine).pod()));
      await (await attachCluster(inject("cluster")))!.restartNode();
      await Promise.all(engines.map((engine, i) => store(engine).back(before[i]!)));
      await startDriver(world.kube.client, world.kube.namespace);
      for (const { name } of engines) await world.kube.condition(name, "Ready", { status: "True" }, 120);
      await expectAll();
    },
  );

  test("survive a restart of the operator, which restarts nothing", async () => {
    const uids = async () => (await kubectl("get", "pods", "-o", "jsonpath={.items[*].metadata.uid}")).split(" ");
    const before = await uids();
    await world.operator.stop("SIGKILL");
    world.operator = await startOperator(inject("operator").kubeconfig, ...storeImageFlags);
    for (const { name } of engines) await world.kube.condition(name, "TaskStoreReady", { status: "True" });
    expect(await uids()).toEqual(before);
    await expectAll();
  });
});
