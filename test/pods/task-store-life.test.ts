// What becomes of the tasks in a managed store over its life: backups, servers that are deleted and made again, another engine
// and back, two servers with one store.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { basket as image } from "../support/images.ts";
import { blocksOf } from "../support/pages.ts";
import { root } from "../support/processes.ts";
import { eventually } from "../support/wait.ts";
import { postgresqlEngine, redisEngine, storeImageFlags, storeOf } from "./engines.ts";
import { type Kubectl, kubectlIn, shell } from "./kubectl.ts";
import { type PodWorld, podWorld } from "./support.ts";
import { get, type Speaker, speaker } from "./tasks.ts";

vi.setConfig({ testTimeout: 240_000 });

let world: PodWorld;
let kubectl: Kubectl;
let tasks: Speaker;
const folder = mkdtempSync(join(tmpdir(), "anypod-backup-"));
beforeAll(async () => {
  world = await podWorld(...storeImageFlags);
  kubectl = kubectlIn(world.kube.namespace);
  tasks = speaker(world.driver);
});
afterAll(async () => {
  await world.end();
  rmSync(folder, { recursive: true });
});

const resources = { requests: { cpu: "10m", memory: "64Mi" } };
const specWith = (taskStore: SpecInput["taskStore"]): SpecInput => ({ image, replicas: 1, resources, taskStore });
const claims = async (server: string) =>
  (await kubectl("get", "pvc", "-l", `anypod.dev/server=${server}`, "-o", "jsonpath={.items[*].metadata.name}"))
    .split(" ")
    .filter(Boolean);
const remove = async (server: string) => {
  await kubectl("delete", "mcpserver", server);
  await kubectl("wait", "--for=delete", "pods", "-l", `anypod.dev/server=${server}`, "--timeout=90s");
};
/** Runs a server with one pod, and a task in it that waits for an answer. */
async function withTask(server: string, taskStore: SpecInput["taskStore"]): Promise<{ url: string; task: string }> {
  await world.run(server, specWith(taskStore), 1);
  const url = await world.url(server);
  return { url, task: await tasks.makeTask(url, await tasks.makeBasket(url), { with_card: true }) };
}
const waits = async (url: string, task: string) =>
  expect(await tasks.task(url, task)).toMatchObject({ status: "input_required" });

/** The commands below a heading of the page, with what its readers put in. */
function commandsOf(heading: string, name: string): string[] {
  const page = readFileSync(join(root, "docs/task-stores.md"), "utf8");
  const section = page.split(`\n### ${heading}\n`)[1]?.split(/\n##/)[0] ?? "";
  return blocksOf(section)
    .filter(({ language }) => language === "sh")
    .map(({ text }) => text.replaceAll("NAME", name));
}

describe.concurrent("tasks", () => {
  test.each([
    { engine: redisEngine, heading: "Redis" },
    { engine: postgresqlEngine, heading: "PostgreSQL" },
  ])("are restored from a backup, by the commands of the page: $heading", async ({ engine, heading }) => {
    const server = `saved-${engine.name}`;
    const { url, task } = await withTask(server, engine.spec());
    const store = storeOf(world, kubectl, server, engine);
    const prefix = `${world.kube.namespace}/${server}:`;
    await store.exec(engine.fill(prefix, 1000));
    const full = await store.exec(engine.digest(prefix));
    const name = await kubectl("get", "statefulset", "-l", `anypod.dev/server=${server}`, "-o", "name");
    const [backup = "", restore = "", ...others] = commandsOf(heading, name);
    expect(others).toEqual([]);
    const place = { namespace: world.kube.namespace, folder };
    await shell(backup, place);
    await store.exec(engine.clear);
    expect((await tasks.ask(url, [get(task)]))[0]?.error?.message).toBe("Task not found");
    await shell(restore, place);
    expect(await store.exec(engine.digest(prefix))).toBe(full);
    await waits(url, task);
    // It is the server's pods that write what was restored.
    await tasks.makeTask(url, await tasks.makeBasket(url));
  });

  test("with retain stay when the server is deleted, an event says so, and a server of that name finds them", async () => {
    const { task } = await withTask("kept", redisEngine.spec({ retain: true }));
    const [claim] = await claims("kept");
    await remove("kept");
    const told = await eventually("an event tells of it", async () => {
      const note = await kubectl(
        "get",
        "events",
        "--field-selector",
        "reason=TasksKept",
        "-o",
        "jsonpath={.items[*].message}",
      );
      return note !== "" && note;
    });
    expect(told).toContain(`PersistentVolumeClaim ${claim}, stays`);
    expect(await claims("kept")).toEqual([claim]);
    await world.run("kept", specWith(redisEngine.spec({ retain: true })), 1);
    await waits(await world.url("kept"), task);
  });

  test("without retain go with the server", async () => {
    await withTask("gone", redisEngine.spec({ retain: false }));
    expect(await claims("gone")).toHaveLength(1);
    await remove("gone");
    await eventually("the volume is gone", async () => (await claims("gone")).length === 0, 60);
  });

  test("stay over a switch to the other engine and back", async () => {
    const { task } = await withTask("switched", postgresqlEngine.spec());
    const other = await withTask("switched", redisEngine.spec());
    const scale = (engine: string) =>
      kubectl(
        "get",
        "statefulset",
        "-l",
        `anypod.dev/server=switched,anypod.dev/role=${engine}`,
        "-o",
        "jsonpath={.items[0].spec.replicas}",
      );
    expect([await scale("redis"), await scale("postgresql")]).toEqual(["1", "0"]);
    expect((await tasks.ask(other.url, [get(task)]))[0]?.error?.message).toBe("Task not found");
    await world.run("switched", specWith(postgresqlEngine.spec()), 1);
    expect(await claims("switched")).toHaveLength(2);
    await eventually("the pods of this engine answer", () => waits(other.url, task).then(() => true), 60);
    expect((await tasks.ask(other.url, [get(other.task)]))[0]?.error?.message).toBe("Task not found");
  });

  test("of two servers with one store are kept apart, and both are let in", async () => {
    const owner = await withTask("owner", redisEngine.spec());
    const user = await withTask("user", { ref: { name: "owner" } });
    await waits(owner.url, owner.task);
    await waits(user.url, user.task);
    expect((await tasks.ask(owner.url, [get(user.task)]))[0]?.error?.message).toBe("Task not found");
    expect((await tasks.ask(user.url, [get(owner.task)]))[0]?.error?.message).toBe("Task not found");
    await world.kube.condition("user", "TaskStoreReady", { status: "True" });
    const users = await kubectl(
      "get",
      "pods",
      "-l",
      "anypod.dev/uses-task-store=owner",
      "-o",
      "jsonpath={.items[*].metadata.labels.anypod\\.dev/server}",
    );
    expect(users.split(" ").sort()).toEqual(["owner", "user"]);
    const policy = await kubectl(
      "get",
      "networkpolicy",
      "-l",
      "anypod.dev/server=owner,anypod.dev/role=redis",
      "-o",
      "json",
    );
    expect(JSON.parse(policy).items[0].spec.ingress[0].from).toEqual([
      { podSelector: { matchLabels: { "anypod.dev/uses-task-store": "owner" } } },
    ]);
  });
});
