// What render prints, byte for byte: read these files in a review to see what a change does to people's clusters.
import { existsSync, globSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { render } from "../../operator/render.ts";

const folder = fileURLToPath(new URL("./", import.meta.url));
const cases = globSync("*.yaml", { cwd: folder })
  .filter((file) => !file.endsWith(".out.yaml"))
  .map((file) => file.replace(".yaml", ""))
  .sort();
const update = process.env.UPDATE_GOLDEN === "1";

/** What a case's comments `# --FLAG NAME` say. */
const toldBy = (input: string, flag: string) =>
  [...readFileSync(input, "utf8").matchAll(new RegExp(`^# --${flag} (\\S+)$`, "gm"))].map(([, name = ""]) => name);

test.each(cases)("%s renders as its .out.yaml has it", (name) => {
  const input = `${folder}${name}.yaml`;
  const { output, errors } = render([input], "default", {
    controllers: toldBy(input, "controller"),
    installed: toldBy(input, "installed"),
    prometheusUrl: toldBy(input, "prometheus-url")[0],
  });
  expect(errors).toEqual([]);
  const file = `${folder}${name}.out.yaml`;
  if (update) writeFileSync(file, output);
  const golden = existsSync(file) ? readFileSync(file, "utf8") : "";
  expect(output, "run UPDATE_GOLDEN=1 npm test -- golden, and review what git diff shows").toBe(golden);
});

test("every golden file has its case", () => {
  const golden = globSync("*.out.yaml", { cwd: folder }).map((file) => file.replace(".out.yaml", ""));
  expect(golden.sort()).toEqual(cases);
});
