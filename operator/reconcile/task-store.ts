// What a server's store of tasks depends on, and what is known of it.
import type { McpServer } from "../api/mcpserver.ts";
import { mainPool } from "../api/pool.ts";
import { type EffectivePool, mostReplicas } from "../desired/pool.ts";
import type { RingState } from "../desired/ring.ts";
import { serviceUrl } from "../desired/service.ts";
import { type StoreAccess, type StoreOwner, storeAccess, storeOwner } from "../desired/task-store/access.ts";
import { clusterOf, loginsOf } from "../desired/task-store/index.ts";
import { managedOf } from "../desired/task-store/managed.ts";
import { managedName } from "../desired/task-store/names.ts";
import type { Client } from "../kube/client.ts";
import { lastNote } from "../kube/events.ts";
import { keyOf } from "../kube/store.ts";
import { discover, tasksExtension } from "../probe/discover.ts";
import { askStore } from "../probe/store.ts";
import type { PodProblem, StoreAnswer, StoreState } from "../status/observed.ts";
import { type StoreVerdict, storeVerdict } from "../status/task-store.ts";
import { type AskContext, lasts, secretText, toldOf } from "./ask.ts";
import type { Caches } from "./caches.ts";
import type { Contents } from "./contents.ts";
import { type Child, configKey, type ObservedServer } from "./observed.ts";

export interface StoreContext {
  client: Client;
  caches: Pick<Caches, "server" | "config">;
  contents: Contents;
}

/** Where tasks are kept, as far as the plan needs to know. */
export interface GatheredStore {
  /** The server whose store it is; undefined: nobody's that is known. */
  owner: StoreOwner | undefined;
  access: StoreAccess | undefined;
  /** What the Secret of its passwords says, if anypod makes them. */
  logins: RingState | undefined;
  /** Hash of what pods read of the store at start, given what the logins are. */
  hashWith: (logins: RingState | undefined) => string;
}

/** The Secrets that pods read to use a store. */
const secretsOf = ({ url, ca }: StoreAccess) => [...new Set([url.name, ...(ca ? [ca.name] : [])])];

/** The Secrets of a server's own store. */
export function storeSecretsOf({ metadata, spec }: Pick<ObservedServer, "metadata" | "spec">): string[] {
  const access = spec?.taskStore && storeAccess({ metadata, taskStore: spec.taskStore });
  return access ? secretsOf(access) : [];
}

/** Undefined for a server without spec.taskStore. */
export async function gatherStore(server: McpServer, context: StoreContext): Promise<GatheredStore | undefined> {
  const { namespace } = server.metadata;
  if (!server.spec.taskStore) return;
  const owner = storeOwner(server, (name) => context.caches.server(keyOf({ namespace, name })));
  const access = owner && storeAccess(owner);
  const configOf = (name: string) => context.caches.config(configKey("Secret", { namespace, name }));
  if (!owner || !access) return { owner: undefined, access: undefined, logins: undefined, hashWith: () => "" };
  if (loginsOf(owner.taskStore)) {
    const state = configOf(access.url.name)?.ring;
    // Without all that the Secret should say, the store's pods can't be told from others.
    const logins = state?.used === undefined ? undefined : state;
    return { owner, access, logins, hashWith: (given) => given?.used ?? "" };
  }
  const hashes = await Promise.all(
    secretsOf(access).map(async (name) => {
      const known = configOf(name);
      return known && (await context.contents.hash("Secret", { namespace, name }, known.resourceVersion));
    }),
  );
  return { owner, access, logins: undefined, hashWith: () => hashes.join("/") };
}

interface Seen {
  observed: ObservedServer;
  server: McpServer;
  pools: EffectivePool[];
  own: Child[];
  store: GatheredStore | undefined;
}

export interface GatheredVerdict {
  verdict: StoreVerdict | undefined;
  /** When to look again, in milliseconds. */
  after?: number | undefined;
}

/** Pods that take calls may be out of reach for some seconds more, until names and proxies know of them; or for good. */
const silence = { first: 5000, longest: 300_000 };

/** Whether tasks are kept where all pods find them; undefined when they needn't be. */
export async function judgeStore(seen: Seen, context: AskContext): Promise<GatheredVerdict> {
  const { state, after } = await stateOf(seen, context);
  return { verdict: storeVerdict(state, toldOf(seen.observed, "TaskStoreReady")), after };
}

interface Gathered {
  state: StoreState;
  after?: number | undefined;
}

async function stateOf(seen: Seen, context: AskContext): Promise<Gathered> {
  const { server, store } = seen;
  const { taskStore } = server.spec;
  if (!taskStore) return withoutStore(seen, context);
  if (taskStore.ref) return { state: refState(server, taskStore.ref.name, context) };
  const managed = managedOf(taskStore);
  if (managed) return managedState(seen, managedName(server.metadata.name, managed.engine), context);
  const cluster = clusterOf(server);
  const { namespace } = server.metadata;
  if (cluster) {
    const object = seen.own.find(({ kind, name }) => kind === cluster.kind && name === cluster.name)?.store;
    return {
      state: { source: "operator", namespace, ...cluster, installed: context.caches.sees(cluster.kind), object },
    };
  }
  if (!store?.access) throw new Error("a store without a source");
  return urlState(server, store.access, context);
}

function refState({ metadata: { namespace } }: McpServer, name: string, { caches }: AskContext): StoreState {
  const other = caches.server(keyOf({ namespace, name }));
  const hasStore = other?.spec?.taskStore !== undefined && other.spec.taskStore.ref === undefined;
  const condition = other?.status.conditions?.find(({ type }) => type === "TaskStoreReady");
  const found = !other ? "missing" : hasStore ? "found" : "without store";
  return { source: "ref", namespace, name, found, condition };
}

async function managedState({ server, own }: Seen, name: string, { client, caches }: AskContext): Promise<Gathered> {
  const { namespace } = server.metadata;
  const engine = managedOf(server.spec.taskStore)?.engine ?? "redis";
  const object = own.find((child) => child.kind === "StatefulSet" && child.name === name)?.store;
  const problem = caches.podProblems(keyOf(server.metadata)).find(({ pod }: PodProblem) => pod === `${name}-0`);
  const began = own.some(({ kind }) => kind === "Deployment");
  const isUnready = object !== undefined && !object.ready && !problem && began;
  const note = isUnready ? await lastNote(client, { namespace, name: `${name}-0` }, "Unhealthy") : undefined;
  const unready = note?.replace(/^Readiness probe failed: /, "").trim();
  const state: StoreState = { source: "managed", namespace, engine, name, object, problem, unready, began };
  // Nothing that is watched tells of another word of its probe.
  return { state, ...(isUnready && { after: lasts.bad }) };
}

type Asked = StoreAnswer | { lacks: { name: string; key: string } };

function urlState(server: McpServer, { engine, url, ca }: StoreAccess, context: AskContext): Gathered {
  const { namespace } = server.metadata;
  const { caches, client, answers, wake } = context;
  const common = { source: "url" as const, namespace, engine, secret: url };
  const versions = [url, ...(ca ? [ca] : [])].map(({ name }) => ({
    name,
    version: caches.config(configKey("Secret", { namespace, name }))?.resourceVersion,
  }));
  const missing = versions.find(({ version }) => version === undefined);
  if (missing) return { state: { ...common, lacks: { name: missing.name }, answer: undefined } };
  if (!answers) return { state: { ...common, lacks: undefined, answer: "not asked" } };

  async function ask(): Promise<Asked> {
    const texts: string[] = [];
    for (const { name, key } of [url, ...(ca ? [ca] : [])]) {
      const text = await secretText(client, { namespace, name }, key);
      if (text === undefined) return { lacks: { name, key } };
      texts.push(text);
    }
    const [address = "", certificates] = texts;
    return askStore(engine, { url: address.trim(), ca: certificates });
  }
  const { answer, after } = answers<Asked>({
    id: `store/${server.metadata.uid}`,
    version: [url.key, ca?.key, ...versions.map(({ version }) => version)].join("/"),
    ask: () => ask().catch((error) => ({ ok: false, why: "failing", said: (error as Error).message })),
    lasts: (given) => ("ok" in given && given.ok ? lasts.good : lasts.bad),
    answered: () => wake(keyOf(server.metadata)),
  });
  if (answer && "lacks" in answer) return { state: { ...common, lacks: answer.lacks, answer: undefined }, after };
  return { state: { ...common, lacks: undefined, answer }, after };
}

/** A server that makes tasks and may have several pods needs a store; its pods are asked once for each version of theirs. */
function withoutStore({ server, pools, own }: Seen, { answers, wake }: AskContext): Gathered {
  const { namespace, uid } = server.metadata;
  const state = (makesTasks: boolean | undefined): StoreState => ({ source: "none", namespace, makesTasks });
  const several = pools.length > 1 || pools.some((pool) => mostReplicas(pool) > 1);
  if (!several) return { state: state(false) };
  const main = pools.find(({ name }) => name === mainPool);
  const pods = own.find(({ kind, name }) => kind === "Deployment" && name === main?.objectName);
  if (!answers || !main || !pods?.deployment?.available) return { state: state(undefined) };
  const { answer, after } = answers({
    id: `discover/${uid}`,
    version: [pods.desiredHash, pods.deployment.configHash].join("/"),
    ask: () => discover(serviceUrl(server, main)),
    lasts: (given, again) =>
      given === "no answer" ? Math.min(silence.first * 2 ** again, silence.longest) : Number.POSITIVE_INFINITY,
    answered: () => wake(keyOf(server.metadata)),
  });
  const makesTasks =
    answer === undefined || answer === "no answer" ? undefined : answer.extensions.includes(tasksExtension);
  return { state: state(makesTasks), after };
}
