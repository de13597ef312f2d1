// Every reason and condition that the code can tell has a row in docs/troubleshooting.md. Reasons are collected from the
// source, so that a new one can't be forgotten; one that is told in a way that isn't known here is an error, too.
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { childKinds } from "../../operator/reconcile/kinds.ts";
import { namesInTable } from "../support/pages.ts";
import { root } from "../support/processes.ts";

/** Made where they are installed only, so no server waits for them. */
const onlyWhereInstalled = new Set(["OpenTelemetryCollector", "PodMonitor", "ScaledObject"]);

/** Reasons that have a kind in their name. */
const byKind: Record<string, string[]> = {
  "`${kind}NotInstalled`": childKinds.flatMap(({ type, optional }) =>
    optional && !onlyWhereInstalled.has(type.kind) ? [`${type.kind}NotInstalled`] : [],
  ),
  "`${kind}NotFound`": ["SecretNotFound", "ConfigMapNotFound"],
};
/** Told on as kubelets and gateways tell them; the code has a table with words for each that is known. */
const tablesOfOthers = ["hints", "routeHints"];
/** Of a condition that is true, which nobody is told of. */
const unsaid = new Set(["Accepted"]);

const withoutComments = (code: string) => code.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
const literals = (expression: string) => [...expression.matchAll(/"([^"]*)"/g)].map(([, text = ""]) => text);

interface Told {
  reasons: string[];
  /** What tells a reason in a way that isn't known here. */
  unknown: string[];
}

/** Findings: `stalled("Reason", …)`, `progressing("Reason", …)` and `fails("Reason", …)`. */
function ofFindings(code: string): Told {
  const told: Told = { reasons: [], unknown: [] };
  for (const [, maker = "", argument = ""] of code.matchAll(
    /\b(stalled|progressing|fails)\(\s*("\w+"|`[^`]*`|[^,)]*)/g,
  )) {
    const [literal] = literals(argument);
    const kinds = byKind[argument];
    if (kinds) told.reasons.push(...kinds);
    else if (literal !== undefined) told.reasons.push(literal);
    else if (!/^(store\.)?reason$/.test(argument)) told.unknown.push(`${maker}(${argument}`);
  }
  return told;
}

/** Fields: `reason: "Reason"`, also one of two. A type, and a reason that is handed on, say nothing new. */
function ofFields(code: string): Told {
  const told: Told = { reasons: [], unknown: [] };
  for (const [field, value = ""] of code.matchAll(/\breason\??\s*[:=](?!=)\s*([^,;\n}]*)/g)) {
    const found = literals(value);
    told.reasons.push(...found);
    if (found.length === 0 && !/^(string|is\.reason)\b/.test(value)) told.unknown.push(field);
  }
  return told;
}

/** The keys of a table of hints. */
function ofTables(code: string): Told {
  const reasons = tablesOfOthers.flatMap((name) => {
    const [, body = ""] = new RegExp(`const ${name}: Record<string, string> = \\{([\\s\\S]*?)\\n\\};`).exec(code) ?? [];
    return [...body.matchAll(/^ +(\w+):/gm)].map(([, key = ""]) => key);
  });
  return { reasons, unknown: [] };
}

function told(source: string): Told {
  const code = withoutComments(source);
  const all = [ofFindings(code), ofFields(code), ofTables(code)];
  const reasons = all.flatMap((each) => each.reasons).filter((reason) => reason !== "" && !unsaid.has(reason));
  return { reasons: [...new Set(reasons)].sort(), unknown: all.flatMap(({ unknown }) => unknown) };
}

const code = globSync("operator/{status,reconcile}/*.ts", { cwd: root })
  .map((file) => readFileSync(join(root, file), "utf8"))
  .join("\n");
const page = readFileSync(join(root, "docs/troubleshooting.md"), "utf8");

describe("docs/troubleshooting.md", () => {
  const rows = namesInTable(page, "Reasons");

  test("has a row for every reason that the code tells", () => {
    const { reasons } = told(code);
    expect(reasons.length).toBeGreaterThan(40);
    expect(reasons.filter((reason) => !rows.includes(reason))).toEqual([]);
  });

  test("has no row for a reason that the code doesn't tell, and none twice", () => {
    const { reasons } = told(code);
    expect(rows.filter((row) => !reasons.includes(row))).toEqual([]);
    expect(rows.filter((row, index) => rows.indexOf(row) !== index)).toEqual([]);
  });

  test("has a row for every condition", () => {
    const conditions = [...code.matchAll(/\bverdict\(\s*([^,]+),/g)].map(([, type = ""]) => type);
    expect(conditions.filter((type) => !/^"\w+"$/.test(type))).toEqual([]);
    const types = [...new Set(conditions.flatMap(literals))].sort();
    expect(types.length).toBeGreaterThan(6);
    expect(namesInTable(page, "Conditions").sort()).toEqual(types);
  });

  test("says what to do in every row", () => {
    const section = page.split(/^## Reasons$/m)[1]?.split(/^## /m)[0] ?? "";
    const cells = [...section.matchAll(/^\|(.*)\|$/gm)].map(([, row = ""]) =>
      row.split("|").map((cell) => cell.trim()),
    );
    expect(cells.filter((row) => row.length !== 3 || row.includes(""))).toEqual([]);
  });
});

test("every reason is told in a way that is known here", () => {
  expect(told(code).unknown).toEqual([]);
});

describe("a reason is found", () => {
  test.each([
    ["in a finding", 'return stalled("NewOne", `x`);', ["NewOne"]],
    ["in a finding over several lines", 'progressing(\n  "NewOne",\n  x,\n)', ["NewOne"]],
    ["in a field", 'const idle = { reason: "NewOne", message };', ["NewOne"]],
    ["in a choice", '{ reason: bad ? "NewOne" : "Other" }', ["NewOne", "Other"]],
    ["in a default", 'const { reason = "NewOne" } = x;', ["NewOne"]],
    ["in a table of hints", 'const hints: Record<string, string> = {\n  NewOne: "do it",\n};', ["NewOne"]],
    ["in no comment", '// stalled("NewOne", x)\n/* reason: "NewOne" */', []],
  ])("%s", (_, source, reasons) => {
    expect(told(source)).toEqual({ reasons, unknown: [] });
  });

  test.each(["stalled(reasonOf(x), y)", `progressing(\`\${x}New\`, y)`, "const z = { reason: reasonOf(x) };"])(
    "or refused, when it can't be read: %s",
    (source) => {
      expect(told(source).unknown).toHaveLength(1);
    },
  );
});
