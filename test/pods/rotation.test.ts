// The requestState ring with real pods: rotated while clients have state in flight, and shown nowhere.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, inject, test } from "vitest";
import { basket as image } from "../support/images.ts";
import { eventually } from "../support/wait.ts";
import { type PodWorld, podWorld } from "./support.ts";

let world: PodWorld;
beforeAll(async () => {
  world = await podWorld();
});
afterAll(() => world.end());

const decode = (text: string) => Buffer.from(text, "base64").toString();
async function ring() {
  const [secret] = await world.kube.list("Secret", "anypod.dev/server=rotated");
  const { "anypod.dev/ring-phase": phase, "anypod.dev/rotated-at": rotatedAt } = secret?.metadata.annotations ?? {};
  return { key: decode(secret?.data.key), keys: decode(secret?.data.keys).split(","), phase, rotatedAt };
}

test("a rotation loses no state in flight, and its keys appear nowhere", async () => {
  await world.run("rotated", { image, replicas: 2 }, 2);
  const first = await ring();
  expect(first.keys).toEqual([first.key]);
  expect(Buffer.from(first.key, "base64")).toHaveLength(32);

  const spec = { image, replicas: 2, requestState: { rotateEvery: "1m" } };
  await world.kube.applyServer("rotated", spec);
  const url = await world.url("rotated");
  const seen = new Set([first.key]);
  const phases = new Set<string>();
  const second = await eventually(
    "a new key seals",
    async () => {
      const { askedBy, answeredBy } = await world.driver.question(url);
      expect(askedBy).not.toBe(answeredBy);
      const now = await ring();
      for (const key of now.keys) seen.add(key);
      phases.add(now.phase ?? "");
      return now.key !== first.key && now;
    },
    150,
  );
  expect(phases).toEqual(new Set(["steady", "staged"]));
  expect(second.keys).toEqual([second.key, first.key]);

  await world.kube.applyServer("rotated", { image, replicas: 2 });
  await world.run("rotated", { image, replicas: 2 }, 2);
  await world.driver.question(url);

  const { items: events } = await world.kube.client.json<{ items: object[] }>({
    path: `/api/v1/namespaces/${world.kube.namespace}/events`,
  });
  const shown = [
    world.operator.log(),
    JSON.stringify(events),
    JSON.stringify(await world.kube.server("rotated")),
    JSON.stringify((await world.kube.childrenOf("rotated")).filter(({ kind }) => kind !== "Secret")),
    ...(await podLogs()),
    inject("auditLog") && readFileSync(inject("auditLog"), "utf8"),
  ].join("\n");
  for (const key of seen) {
    expect(shown.includes(key)).toBe(false);
    expect(shown.includes(Buffer.from(key).toString("base64"))).toBe(false);
  }
});

async function podLogs(): Promise<string[]> {
  const pods = await world.pods("rotated", 2);
  return Promise.all(
    pods.map(async ({ metadata }) => {
      const path = `/api/v1/namespaces/${world.kube.namespace}/pods/${metadata.name}/log`;
      const lines: string[] = [];
      for await (const line of world.kube.client.lines({ path })) lines.push(line);
      expect(lines.length).toBeGreaterThan(0);
      return lines.join("\n");
    }),
  );
}
