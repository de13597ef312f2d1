// What the charts render for the values that people are likely to give: read these files in a review to see what a change
// does to their clusters. NAME.yaml has the values of a case, and in its first line the chart and
// more flags for Helm.
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadAll } from "js-yaml";
import { describe, expect, test } from "vitest";
import { chartFolder, helm, problemsOf, template } from "./support.ts";

const folder = join(import.meta.dirname, "golden");
const names = globSync("*.yaml", { cwd: folder })
  .filter((file) => !file.endsWith(".out.yaml"))
  .map((file) => file.replace(".yaml", ""))
  .sort();
const update = process.env.UPDATE_GOLDEN === "1";

const cases = names.map((name) => {
  const text = readFileSync(join(folder, `${name}.yaml`), "utf8");
  const [chart = "", ...flags] = /^# chart: (.*)/.exec(text)?.[1]?.split(" ") ?? [];
  return { name, chart, flags, values: (loadAll(text)[0] ?? {}) as object };
});

const outputs = new Map<string, Promise<string>>();
function outputOf({ name, chart, flags, values }: (typeof cases)[number]): Promise<string> {
  const known = outputs.get(name) ?? template({ chart, values, flags });
  outputs.set(name, known);
  return known;
}

describe.each(cases)("$name", (each) => {
  test("renders as its .out.yaml has it", async () => {
    const file = join(folder, `${each.name}.out.yaml`);
    const output = await outputOf(each);
    if (update) writeFileSync(file, output);
    const golden = existsSync(file) ? readFileSync(file, "utf8") : "";
    expect(output, "run UPDATE_GOLDEN=1 npm test -- charts, and review what git diff shows").toBe(golden);
  });

  test("renders what the API server takes", async () => {
    expect(await problemsOf(await outputOf(each))).toBe("");
  });

  test("passes helm lint", async () => {
    const lint = ["lint", "--strict", "--quiet", chartFolder(each.chart), "--values=-"];
    expect(await helm(lint, JSON.stringify(each.values))).not.toMatch(/WARNING|ERROR/);
  });
});

test("every golden file has its case", () => {
  const golden = globSync("*.out.yaml", { cwd: folder }).map((file) => file.replace(".out.yaml", ""));
  expect(golden.sort()).toEqual(names);
});
