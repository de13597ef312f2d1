// The images of the add-ons' programs, built from the binaries that this project makes or downloads.
import { basename } from "node:path";
import { ensureBinaries } from "../binaries.ts";
import { ensureEnvoy, envoyVersion } from "../envoy.ts";
import { goModules } from "../go-modules.ts";
import { programImage } from "../image-program.ts";
import type { Cluster } from "../index.ts";

export interface InstallOptions {
  /** Says progress to the user: a first installation builds what it installs. */
  log?: (line: string) => void;
  /** Ends a build that is under way. */
  signal?: AbortSignal;
}

export const buildContext = ({ log = () => undefined, signal = new AbortController().signal }: InstallOptions) => ({
  log,
  signal,
});

/** Builds a program of ours if need be, and makes the cluster know its image. Returns the image's name. */
export async function loadProgram(cluster: Cluster, program: string, options: InstallOptions): Promise<string> {
  const binary = (await ensureBinaries(buildContext(options), [program]))(program);
  const version = goModules().find(({ packages }) => program in packages)?.version;
  return load(cluster, { name: `localhost/${program}:${version}`, binary });
}

/** The same for Envoy. */
export async function loadEnvoy(cluster: Cluster, options: InstallOptions): Promise<string> {
  const binary = await ensureEnvoy(buildContext(options));
  return load(cluster, { name: `localhost/${basename(binary)}:${envoyVersion()}`, binary, dynamic: true });
}

async function load(cluster: Cluster, image: Parameters<typeof programImage>[0]): Promise<string> {
  await cluster.loadImage(await programImage(image));
  return image.name;
}
