// `anypod diff`: what applying McpServers would change on a cluster. It plans and applies with the operator's own code and a
// client that can't write.
import type { Manifest } from "../api/parse.ts";
import { type Images, officialImages } from "../desired/images.ts";
import { type Client, createClient, loadKubeConfig } from "../kube/client.ts";
import { type ApiError, isNotFound } from "../kube/errors.ts";
import type { ApiObject } from "../kube/resource.ts";
import { readManifests } from "../manifests.ts";
import { createContents } from "../reconcile/contents.ts";
import { execute } from "../reconcile/execute.ts";
import { type ObservedServer, observeServer } from "../reconcile/observed.ts";
import { planServer } from "../reconcile/plan-server.ts";
import type { Obstacle } from "../status/observed.ts";
import { dryRunClient } from "./dry-run.ts";
import { applyManifest } from "./server.ts";
import { type Change, show } from "./show.ts";
import { lookAround } from "./world.ts";

export interface DiffOptions {
  /** Files, directories, or `-` for standard input. */
  paths: string[];
  /** Of servers that name none. */
  namespace: string;
  /** As of `loadKubeConfig`. */
  kubeconfig: string | undefined;
  /** Who applies the files; undefined: whoever did last. */
  fieldManager: string | undefined;
  /** Which images the operator uses, if not the official ones. */
  images: Partial<Images>;
  /** Where KEDA finds Prometheus, as the operator is told. */
  prometheusUrl: string | undefined;
}

export interface Differences {
  /** Unified diffs; empty when nothing changes. */
  output: string;
  /** One line each: why it can't be told. */
  errors: string[];
}

const oneLine = (text: string) => text.replaceAll(/\s*\n\s*/g, " ").trim();

const obstacleTexts: Record<Obstacle["why"], string> = {
  foreign: "is there already and isn't this server's, so it would be left alone",
  leaving: "of an earlier server of this name is still being deleted",
  rejected: "would be refused",
  terminating: "can't be made: the namespace is being deleted",
  contended: "is being changed by somebody else",
  absent: "is of a kind that isn't installed",
  failing: "can't be written",
};

function obstacleText({ kind, name, why, message }: Obstacle): string {
  return `${kind} ${name} ${obstacleTexts[why]}${message === "" ? "" : `: ${message}`}`;
}

/** A cluster, and what its operator is told. */
interface Target {
  client: Client;
  fieldManager: string | undefined;
  images: Images;
  prometheusUrl: string | undefined;
}

/** What the operator would do about the server once it is so. */
async function childChanges(
  { client, images, prometheusUrl }: Target,
  server: ObservedServer,
): Promise<{ changes: Change[]; errors: string[] }> {
  const { spec, metadata } = server;
  if (!spec) return { changes: [], errors: server.problems.map(({ field, message }) => `spec.${field}: ${message}`) };
  if (spec.paused) return { changes: [], errors: [] };
  const { caches, objects } = await lookAround(client, server);
  const contents = createContents(client);
  const context = { client, caches, contents, images, prometheusUrl, now: Date.now, waited: undefined };
  const { whole } = await planServer(server, { metadata, spec }, context);
  const before = (kind: string, name: string) => objects.get(`${kind}/${name}`);
  const changes: Change[] = [];
  const collect = {
    written: (after: ApiObject) => void changes.push({ before: before(after.kind, after.metadata.name), after }),
    deleted: ({ kind, name }: { kind: string; name: string }) =>
      void changes.push({ before: before(kind, name), after: undefined }),
  };
  const { obstacles, failures } = await execute(whole, { client, caches: collect, serverUid: metadata.uid });
  return { changes, errors: [...obstacles.map(obstacleText), ...failures.map(errorText)] };
}

/** The API server has no such kind: it answers in plain text, where a missing object is told in JSON. */
const isNoKind = (error: unknown) =>
  isNotFound(error) && ((error as ApiError).reason === "" || /find the requested resource/.test(String(error)));

function errorText(error: unknown): string {
  if (isNoKind(error)) return "McpServer is not installed: apply crds/ (or install the chart anypod-crds)";
  return error instanceof Error ? error.message : String(error);
}

async function serverChanges(target: Target, manifest: Manifest): Promise<{ changes: Change[]; errors: string[] }> {
  try {
    const { live, applied } = await applyManifest(target.client, manifest, target.fieldManager);
    const children = await childChanges(target, observeServer(applied));
    return { changes: [{ before: live, after: applied }, ...children.changes], errors: children.errors };
  } catch (error) {
    return { changes: [], errors: [errorText(error)] };
  }
}

/** By kind and name, so that two diffs of one change are the same; the McpServer stays first. */
const inOrder = ([server, ...children]: string[]) => [server ?? "", ...children.sort()];

export async function diff({ paths, namespace, kubeconfig, ...told }: DiffOptions): Promise<Differences> {
  const { manifests, errors: unreadable } = readManifests(paths, namespace);
  if (unreadable.length > 0) return { output: "", errors: unreadable };
  if (manifests.length === 0) return { output: "", errors: [`no McpServer in ${paths.join(", ")}`] };
  let real: Client;
  try {
    real = createClient(loadKubeConfig(kubeconfig), { userAgent: "anypod-diff" });
  } catch (error) {
    return { output: "", errors: [`kubeconfig: ${oneLine(errorText(error))}`] };
  }
  const target = {
    ...told,
    client: dryRunClient(real),
    images: { ...officialImages, ...told.images },
  };
  try {
    const outputs: string[] = [];
    const problems: string[] = [];
    for (const manifest of manifests) {
      const { changes, errors } = await serverChanges(target, manifest);
      outputs.push(...inOrder(changes.map(show)));
      const { name, namespace: own } = manifest.metadata;
      problems.push(...errors.map((error) => `McpServer ${own}/${name}: ${oneLine(error)}`));
    }
    return { output: outputs.join(""), errors: problems };
  } finally {
    // Without credentials there is nothing to close, and that they can't be had has been told.
    await real.close().catch(() => undefined);
  }
}
