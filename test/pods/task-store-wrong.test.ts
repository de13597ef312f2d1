// Managed stores that can't run or can't write: a clear condition each, nothing deleted, and servers beside them undisturbed.
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { chooseProvider } from "../cluster/providers.ts";
import { smallDiskClass } from "../cluster/volumes.ts";
import { basket as image } from "../support/images.ts";
import { eventually } from "../support/wait.ts";
import { postgresqlEngine, redisEngine, storeImageFlags, storeOf } from "./engines.ts";
import { type Kubectl, kubectlIn } from "./kubectl.ts";
import { type PodWorld, podWorld } from "./support.ts";
import { type Speaker, speaker } from "./tasks.ts";

vi.setConfig({ testTimeout: 240_000 });
const { provider } = await chooseProvider("pods");

let world: PodWorld;
let kubectl: Kubectl;
let tasks: Speaker;
let well: { url: string; uid: string | undefined };
const resources = { requests: { cpu: "10m", memory: "64Mi" } };
const specWith = (taskStore: SpecInput["taskStore"]): SpecInput => ({ image, replicas: 1, resources, taskStore });

beforeAll(async () => {
  world = await podWorld(...storeImageFlags);
  kubectl = kubectlIn(world.kube.namespace);
  tasks = speaker(world.driver);
  await world.run("well", specWith(redisEngine.spec()), 1);
  well = { url: await world.url("well"), uid: (await world.pods("well", 1))[0]?.metadata.uid };
});
afterAll(() => world.end());

describe.concurrent("TaskStoreReady says", () => {
  test.each([
    {
      wrong: "a storage class that isn't there",
      server: "classless",
      taskStore: postgresqlEngine.spec({ storageClassName: "no-such-class" }),
      reason: /^VolumeNotBound$/,
      says: /spec\.taskStore\.postgresql\.managed\.storageClassName/,
    },
    {
      wrong: "an image that isn't there",
      server: "imageless",
      taskStore: redisEngine.spec({ version: "99" }),
      reason: /^(ErrImagePull|ImagePullBackOff)$/,
      says: /spec\.taskStore\.redis\.managed\.version/,
    },
  ])("$wrong", async ({ server, taskStore, reason, says }) => {
    await world.kube.applyServer(server, specWith(taskStore));
    const condition = await eventually(
      "it is told",
      async () => {
        const { status } = await world.kube.server(server);
        const found = status?.conditions?.find(({ type }) => type === "TaskStoreReady");
        return found?.status === "False" && reason.test(found.reason) && found;
      },
      90,
    );
    expect(condition.message).toMatch(says);
    expect(await kubectl("get", "deployments", "-l", `anypod.dev/server=${server}`, "-o", "name")).toBe("");
  });

  test.runIf(provider === "node").each([
    { engine: redisEngine, storage: "16Mi" },
    { engine: postgresqlEngine, storage: "150Mi" },
  ])(
    "a full disk, also when the store has started anew, and heals when there is room: $engine.name",
    async ({ engine, storage }) => {
      const server = `full-${engine.name}`;
      await world.run(server, specWith(engine.spec({ storage, storageClassName: smallDiskClass })), 1);
      const url = await world.url(server);
      const task = await tasks.makeTask(url, await tasks.makeBasket(url), { with_card: true });
      const store = storeOf(world, kubectl, server, engine);
      await store.exec(["sh", "-c", "dd if=/dev/zero of=/data/filling bs=64k 2> /dev/null || true"]);
      const full = { status: "False", reason: "VolumeFull" } as const;
      const { message } = await world.kube.condition(server, "TaskStoreReady", full, 90);
      expect(message).toMatch(/docs\/task-stores\.md/);
      await kubectl("delete", "pod", (await store.pod()).name);
      await world.kube.condition(server, "TaskStoreReady", full, 90);
      await eventually(
        "there is room",
        async () => (await store.exec(["sh", "-c", "rm -f /data/filling && echo done"])) === "done",
        60,
      );
      await world.kube.condition(server, "TaskStoreReady", { status: "True" }, 90);
      await eventually("the task is there", async () => (await tasks.task(url, task)).status === "input_required", 60);
    },
  );
});

test("meanwhile the server beside them has kept its pod and its tasks, and no claim was deleted", async () => {
  expect((await world.pods("well", 1))[0]?.metadata.uid).toBe(well.uid);
  await tasks.makeTask(well.url, await tasks.makeBasket(well.url));
  await world.kube.condition("well", "TaskStoreReady", { status: "True" });
  const claims = await kubectl(
    "get",
    "pvc",
    "-o",
    "jsonpath={range .items[*]}{.metadata.labels.anypod\\.dev/server} {end}",
  );
  expect(claims.trim().split(" ").sort()).toEqual(
    ["classless", "full-postgresql", "full-redis", "imageless", "well"].filter(
      (each) => provider === "node" || !each.startsWith("full"),
    ),
  );
});
