// The Dockerfile, as far as it can be told without building it.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { nodeFlags } from "../support/operator-image.ts";
import { root } from "../support/processes.ts";

const read = (file: string) => readFileSync(join(root, file), "utf8");
const dockerfile = read("Dockerfile").replaceAll(/\\\n\s*/g, "");
const instructions = (name: string) =>
  [...dockerfile.matchAll(new RegExp(`^${name} (.*)$`, "gm"))].map(([, rest = ""]) => rest);
const [buildBase = "", base = ""] = instructions("FROM");

test("it starts the operator with the flags that its first line asks for", () => {
  expect(nodeFlags().length).toBeGreaterThan(0);
  expect(instructions("ENTRYPOINT").map((line) => JSON.parse(line) as string[])).toEqual([
    ["/nodejs/bin/node", ...nodeFlags(), "/app/anypod.mjs"],
  ]);
  expect(instructions("CMD")).toEqual(['["run"]']);
});

test("it is built of images that are pinned by digest, and runs on distroless as nobody in particular", () => {
  expect(instructions("FROM")).toHaveLength(2);
  for (const from of instructions("FROM")) expect(from).toMatch(/@sha256:[0-9a-f]{64}( AS \w+)?$/);
  expect(base).toMatch(/^gcr\.io\/distroless\/nodejs\d+-debian\d+:nonroot@/);
  expect(instructions("USER")).toEqual(["65532:65532"]);
});

test("it is built with the Node.js that the project is developed with, and runs on the same major version", () => {
  const { optionalDependencies } = JSON.parse(read("package.json")) as { optionalDependencies: Record<string, string> };
  const [version] = new Set(Object.values(optionalDependencies));
  expect(buildBase).toContain(` node:${version}-`);
  expect(base).toContain(`/nodejs${version?.split(".")[0]}-`);
});

test("all that it copies is there, and let through by .dockerignore", () => {
  const [everything, ...lets] = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(everything).toBe("*");
  const copied = instructions("COPY")
    .filter((line) => !line.startsWith("--from"))
    .flatMap((line) => line.split(" ").slice(0, -1));
  expect(copied.length).toBeGreaterThan(4);
  expect(lets.map((line) => line.slice(1)).sort()).toEqual([...copied].sort());
  expect(copied.filter((path) => globSync(path, { cwd: root }).length === 0)).toEqual([]);
});

test("actions of the workflows are pinned by commit", () => {
  const workflows = globSync(".github/workflows/*.yaml", { cwd: root }).map(read);
  const used = workflows.flatMap((text) =>
    [...text.matchAll(/uses: (\S+)(.*)/g)].map(([, action, note]) => `${action}${note}`),
  );
  expect(used.length).toBeGreaterThan(8);
  expect(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(action))).toEqual([]);
});
