// The Secrets and ConfigMaps that a server's pods read at start: a change of one has to roll the pods, and a missing one
// keeps them from starting.
import type { McpServer } from "../api/mcpserver.ts";
import { type PodTemplate, podTemplate } from "./pod-template.ts";
import { poolsOf } from "./pool.ts";

export interface Reference {
  kind: "Secret" | "ConfigMap";
  name: string;
  optional: boolean;
  /** What the pods take from it: their environment, or the right to pull an image; or what the collector's take. */
  use: "environment" | "imagePull" | "collector";
}

interface Named {
  name: string;
  optional?: boolean;
}
interface Source {
  secretKeyRef?: Named;
  configMapKeyRef?: Named;
  secretRef?: Named;
  configMapRef?: Named;
}

function fromSource(source: Source): Reference[] {
  const secret = source.secretKeyRef ?? source.secretRef;
  const configMap = source.configMapKeyRef ?? source.configMapRef;
  const reference = (kind: Reference["kind"], { name, optional }: Named): Reference => ({
    kind,
    name,
    optional: optional ?? false,
    use: "environment",
  });
  return [...(secret ? [reference("Secret", secret)] : []), ...(configMap ? [reference("ConfigMap", configMap)] : [])];
}

/** The items of a list that a user's template may have made anything of; what isn't one is the API server's to refuse. */
const items = <T>(list: T[] | undefined): T[] =>
  Array.isArray(list) ? list.filter((item) => item instanceof Object) : [];

const ofVariables = (env: { valueFrom?: object | undefined }[] | undefined) =>
  items(env).flatMap(({ valueFrom }) => (valueFrom ? fromSource(valueFrom as Source) : []));

const ofCollector = ({ spec }: McpServer): Reference[] =>
  ofVariables(spec.telemetry?.collector?.env).map((reference) => ({ ...reference, use: "collector" }));

function ofTemplate({ spec }: PodTemplate): Reference[] {
  const environment = spec.containers.flatMap(({ env, envFrom }) => [
    ...ofVariables(env),
    ...items(envFrom).flatMap(fromSource),
  ]);
  const pull = items(spec.imagePullSecrets).map(
    ({ name }): Reference => ({ kind: "Secret", name, optional: false, use: "imagePull" }),
  );
  return [...environment, ...pull];
}

/** All references of all pools, each once, in a stable order. */
export function referencesOf(server: McpServer): Reference[] {
  const ofPools = poolsOf(server).flatMap((pool) => ofTemplate(podTemplate(server, pool)));
  const all = [...ofPools, ...ofCollector(server)];
  const byKey = new Map(
    all.map((reference) => [`${reference.kind}/${reference.name}/${reference.use}/${reference.optional}`, reference]),
  );
  return [...byKey.keys()].sort().map((key) => byKey.get(key) as Reference);
}
