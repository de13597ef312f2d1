// The chart anypod-crds: the CustomResourceDefinition of crds/, which upgrades and stays.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { expect, test } from "vitest";
import { root } from "../support/processes.ts";
import { chartFolder, helm, problemsOf, rendered, template } from "./support.ts";

const committed = load(readFileSync(join(root, "crds/mcpservers.anypod.dev.yaml"), "utf8")) as object;

async function definition(values: object) {
  const [crd, ...others] = await rendered({ chart: "anypod-crds", values });
  expect(others).toEqual([]);
  return crd!;
}

test("the chart renders the definition of crds/, and the API server takes it", async () => {
  const { metadata, ...rest } = await definition({});
  expect({ ...rest, metadata: { name: metadata.name } }).toEqual(committed);
  expect(await problemsOf(await template({ chart: "anypod-crds" }))).toBe("");
  expect(await helm(["lint", "--strict", "--quiet", chartFolder("anypod-crds")])).not.toMatch(/WARNING|ERROR/);
});

test("helm uninstall keeps it, unless told otherwise", async () => {
  const policy = "helm.sh/resource-policy";
  expect((await definition({})).metadata.annotations).toEqual({ [policy]: "keep" });
  expect((await definition({ keep: false })).metadata).not.toHaveProperty("annotations");
});

test("it has the labels and annotations that are asked for, beside its own", async () => {
  const { metadata } = await definition({ annotations: { owner: "platform" }, labels: { team: "platform" } });
  expect(metadata.annotations).toEqual({ "helm.sh/resource-policy": "keep", owner: "platform" });
  expect(metadata.labels).toMatchObject({ team: "platform", "app.kubernetes.io/part-of": "anypod" });
});
