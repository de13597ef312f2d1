// `npm run image`: the operator's image as the Dockerfile builds it, but without Docker and without a registry: for tests, and
// for clusters that images are loaded into. Its Node is this machine's.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { bundleOperator } from "../../bundle.ts";
import { nodeImage, nodeInImage } from "../cluster/image-node.ts";
import { root } from "./processes.ts";

const help = `npm run image [-- options]

  --name NAME   the image's name (default: ${operatorImageName()})
  --out FILE    copies the image's archive there: what docker load and ctr images import take

Builds the operator's image without Docker or a registry, and prints its name, where its archive is, and how large that is.
`;

function version(): string {
  return (JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string }).version;
}

function operatorImageName(): string {
  return `localhost/anypod:${version()}`;
}

/** The flags of V8 that operator/main.ts asks for in its first line. */
export function nodeFlags(): string[] {
  const [first = ""] = readFileSync(join(root, "operator/main.ts"), "utf8").split("\n");
  const [, flags] = /^#!.*\bnode (.*)$/.exec(first) ?? [];
  if (flags === undefined) throw new Error("operator/main.ts has no first line with node's flags");
  return flags.split(" ");
}

/** How the image starts, but for where its Node is. */
const program = { arguments: [...nodeFlags(), "/app/anypod.mjs"], command: ["run"] };

export interface OperatorImage {
  name: string;
  /** The path of its archive, for `Cluster.loadImage`. */
  archive: string;
}

/** Builds the image from the checkout as it is. */
export async function operatorImage(
  name = operatorImageName(),
  log: (line: string) => void = () => undefined,
): Promise<OperatorImage> {
  const folder = mkdtempSync(join(tmpdir(), "anypod-image-"));
  try {
    await bundleOperator(folder);
    const files = readdirSync(folder).sort();
    const content = files.map((file) => ({ path: `app/${file}`, content: readFileSync(join(folder, file)) }));
    const Labels = { "org.opencontainers.image.title": "anypod", "org.opencontainers.image.version": version() };
    const config = { Entrypoint: [nodeInImage, ...program.arguments], Cmd: program.command, Labels };
    return { name, archive: await nodeImage({ name, content: [{ path: "app/" }, ...content], config, log }) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { name: { type: "string" }, out: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) return console.log(help);
  const { name, archive } = await operatorImage(values.name, console.error);
  if (values.out) copyFileSync(archive, values.out);
  const path = values.out ?? archive;
  console.log(`${name}\n${path}\n${(statSync(path).size / 1e6).toFixed(0)} MB`);
}

if (import.meta.main) await main();
