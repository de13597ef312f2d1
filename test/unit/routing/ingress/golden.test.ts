// What each dialect makes of the same specs: read these files in a review to see what a change does to people's routes.
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { dump, load } from "js-yaml";
import { describe, expect, test } from "vitest";
import type { SpecInput } from "../../../../operator/api/mcpserver.ts";
import type { Routes } from "../../../../operator/desired/routing/routes.ts";
import { dialects, plain, routesWith } from "../../../support/routing/ingress/dialects.ts";

const folder = fileURLToPath(new URL("./", import.meta.url));
const cases = globSync("*.yaml", { cwd: `${folder}cases` })
  .map((file) => file.replace(".yaml", ""))
  .sort();
const all = [...dialects, plain];
const update = process.env.UPDATE_GOLDEN === "1";

/** The objects, and as comments what can't be done. */
function text({ objects, cannot, matchesHeaders, serviceAnnotations }: Routes): string {
  const facts = { ...(matchesHeaders ? {} : { matchesHeaders }), ...(serviceAnnotations && { serviceAnnotations }) };
  const comments = [...(Object.keys(facts).length > 0 ? [facts] : []), ...cannot.map((each) => ({ cannot: each }))];
  const said = comments.map((each) => dump(each, { lineWidth: -1 }).replaceAll(/^/gm, "# ").replace(/# $/, ""));
  const documents = objects.map((object) => `---\n${dump(object, { noRefs: true, lineWidth: -1 })}`);
  return [...said, ...documents].join("");
}

describe.each(all.map(({ name }) => name))("%s", (dialect) => {
  test.each(cases)("%s renders as its file has it", (name) => {
    const spec = load(readFileSync(`${folder}cases/${name}.yaml`, "utf8")) as SpecInput;
    const output = text(routesWith(dialect, spec));
    const file = `${folder}golden/${dialect}/${name}.yaml`;
    if (update) {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, output);
    }
    const golden = existsSync(file) ? readFileSync(file, "utf8") : "";
    expect(output, "run UPDATE_GOLDEN=1 npm test -- unit, and review what git diff shows").toBe(golden);
  });
});

test("every golden file has its case", () => {
  const files = globSync("*/*.yaml", { cwd: `${folder}golden` });
  expect(files.sort()).toEqual(all.flatMap(({ name }) => cases.map((each) => `${name}/${each}.yaml`)).sort());
});
