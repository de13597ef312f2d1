// Which part of the code may import which, and which parts must be pure. Returns problems as text, so that both the check
// and the tests of the rules themselves can use it.
import { globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

interface Layer {
  /** Folders and files below operator/ that it may import, beside its own. */
  imports: string[];
  /** Packages that it may import; all when not given. */
  packages?: string[];
  /** No I/O, no clock, no random: the same input gives the same output. */
  pure?: true;
}

/** main → reconcile → probe → (desired, status, kube) → api; config.ts is a leaf, and telemetry counts what kube tells it. */
const layers: Record<string, Layer> = {
  "main.ts": { imports: ["config.ts", "render.ts", "validate.ts", "diff", "api", "reconcile"] },
  "render.ts": { imports: ["manifests.ts", "api", "desired"] },
  "validate.ts": { imports: ["manifests.ts"] },
  diff: { imports: ["manifests.ts", "reconcile", "status", "desired", "kube", "api"] },
  "manifests.ts": { imports: ["api"] },
  "config.ts": { imports: [] },
  reconcile: { imports: ["config.ts", "telemetry", "probe", "desired", "status", "kube", "api"] },
  probe: { imports: ["status", "kube", "api"] },
  status: { imports: ["desired", "api"], packages: [], pure: true },
  desired: { imports: ["api"], packages: ["node:crypto"], pure: true },
  kube: { imports: [] },
  telemetry: { imports: ["kube"] },
  api: { imports: [] },
};

/** What makes a result depend on more than the input. */
const impure =
  /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\brandom(Bytes|UUID|Int)\b|\bprocess\.|\bperformance\.|\bsetTimeout\b|\bconsole\.|\bfetch\(/;

const withoutComments = (source: string) =>
  source.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/(^|\s)\/\/.*$/gm, "");
const importsOf = (code: string) =>
  [...code.matchAll(/\b(?:from|import)\s*\(?\s*["']([^"']+)["']/g)].map(([, name]) => name as string);

function packageProblems(file: string, names: string[], { packages }: Layer): string[] {
  const outside = packages ? names.filter((name) => !packages.includes(name)) : [];
  return outside.map((name) => `${file} imports ${name}: only ${packages?.join(", ") || "no package"} is allowed here`);
}

/** The layer of a path below operator/: its first folder, or the file itself. */
const layerOf = (path: string) => path.split("/")[1] ?? "";

function operatorProblems(file: string, code: string): string[] {
  const name = layerOf(file);
  const layer = layers[name];
  if (!layer) return [`${file} is in no layer: add it to test/support/imports.ts`];
  const imported = importsOf(code);
  const targets = imported.filter((each) => each.startsWith(".")).map((each) => posix.join(posix.dirname(file), each));
  const allowed = [name, ...layer.imports];
  return [
    ...targets
      .filter((target) => !target.startsWith("operator/") || !allowed.includes(layerOf(target)))
      .map(
        (target) =>
          `${file} imports ${target}: ${name} may import ${layer.imports.join(", ") || "nothing of ours"} only`,
      ),
    ...packageProblems(
      file,
      imported.filter((each) => !each.startsWith(".")),
      layer,
    ),
    ...(layer.pure && impure.test(code) ? [`${file} isn't pure: it uses ${impure.exec(code)?.[0]}`] : []),
  ];
}

/** The example is there to be copied: it stands alone. */
function exampleProblems(file: string, code: string): string[] {
  const folder = file.split("/").slice(0, 2).join("/");
  return importsOf(code)
    .filter((each) => each.startsWith("."))
    .map((each) => posix.join(posix.dirname(file), each))
    .filter((target) => !target.startsWith(`${folder}/`))
    .map((target) => `${file} imports ${target}: an example stands alone`);
}

/** What is wrong with one file's imports. `file` is relative to the checkout, with slashes. */
export function importProblemsOf(file: string, source: string): string[] {
  const code = withoutComments(source);
  if (file.startsWith("operator/")) return operatorProblems(file, code);
  return file.startsWith("examples/") ? exampleProblems(file, code) : [];
}

/** What is wrong with the imports of all files of the checkout, `file: problem` each. */
export function importProblems(root: string): string[] {
  const files = globSync(["operator/**/*.ts", "examples/**/*.ts"], { cwd: root, exclude: ["**/node_modules/**"] });
  return files.sort().flatMap((file) => importProblemsOf(file, readFileSync(join(root, file), "utf8")));
}
