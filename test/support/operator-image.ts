// `npm run image`: the operator's image as the Dockerfile builds it, but without Docker and without a registry: for tests, and
// for clusters that images are loaded into. Its Node is this machine's.
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { nodeImage, nodeInImage } from "../cluster/image-node.ts";
import { root } from "./processes.ts";

const help = `npm run image [-- options]

  --name NAME   the image's name (default: ${operatorImageName()})
  --out FILE    copies the image's archive there: what docker load and ctr images import take

Builds the operator's image without Docker or a registry, and prints its name, where its archive is, and how large that is.
`;

function version(sources = root): string {
  return (JSON.parse(readFileSync(join(sources, "package.json"), "utf8")) as { version: string }).version;
}

function operatorImageName(): string {
  return `localhost/anypod:${version()}`;
}

/** Of the image of the release before this one, whose version may be the same as long as there is none. */
export const previousTag = "previous";

/** The flags of V8 that operator/main.ts asks for in its first line. */
export function nodeFlags(sources = root): string[] {
  const [first = ""] = readFileSync(join(sources, "operator/main.ts"), "utf8").split("\n");
  const [, flags] = /^#!.*\bnode (.*)$/.exec(first) ?? [];
  if (flags === undefined) throw new Error("operator/main.ts has no first line with node's flags");
  return flags.split(" ");
}

export interface OperatorImage {
  name: string;
  /** The path of its archive, for `Cluster.loadImage`. */
  archive: string;
}

export interface OperatorImageOptions {
  name?: string | undefined;
  /** Another checkout's folder, with a node_modules. */
  sources?: string;
  log?: (line: string) => void;
}

/** Builds the image from the checkout as it is. */
export async function operatorImage({
  name = operatorImageName(),
  sources = root,
  log = () => undefined,
}: OperatorImageOptions = {}): Promise<OperatorImage> {
  const folder = mkdtempSync(join(tmpdir(), "anypod-image-"));
  try {
    // Each release knows what it is bundled of.
    const bundle = (await import(pathToFileURL(join(sources, "bundle.ts")).href)) as typeof import("../../bundle.ts");
    await bundle.bundleOperator(folder, join(sources, "operator/main.ts"));
    const files = readdirSync(folder).sort();
    const content = files.map((file) => ({ path: `app/${file}`, content: readFileSync(join(folder, file)) }));
    const Labels = { "org.opencontainers.image.title": "anypod", "org.opencontainers.image.version": version(sources) };
    const Entrypoint = [nodeInImage, ...nodeFlags(sources), "/app/anypod.mjs"];
    const config = { Entrypoint, Cmd: ["run"], Labels };
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
  const { name, archive } = await operatorImage({ name: values.name, log: console.error });
  if (values.out) copyFileSync(archive, values.out);
  const path = values.out ?? archive;
  console.log(`${name}\n${path}\n${(statSync(path).size / 1e6).toFixed(0)} MB`);
}

if (import.meta.main) await main();
