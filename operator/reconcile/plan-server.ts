// One server → its plan: all that it depends on is gathered, and what is desired compared with what is there. Writes nothing.
import type { McpServer } from "../api/mcpserver.ts";
import type { Images } from "../desired/images.ts";
import { desired } from "../desired/index.ts";
import { hashOf, type KubeObject } from "../desired/object.ts";
import { type EffectivePool, poolsOf } from "../desired/pool.ts";
import type { Reference } from "../desired/references.ts";
import { requestStateSecretName } from "../desired/request-state.ts";
import type { Ring, RingState } from "../desired/ring.ts";
import { loginsOf } from "../desired/task-store/index.ts";
import type { Client } from "../kube/client.ts";
import { keyOf } from "../kube/store.ts";
import type { MissingReference } from "../status/observed.ts";
import { isRolledOut } from "../status/rollout.ts";
import type { Caches } from "./caches.ts";
import type { Contents } from "./contents.ts";
import { type Child, configKey, type ObservedServer } from "./observed.ts";
import { type Plan, plan } from "./plan.ts";
import { currentRing, ringWithKeys } from "./ring.ts";
import { type GatheredRouting, gatherRouting } from "./routing.ts";
import { type GatheredStore, gatherStore } from "./task-store.ts";
import { gatherTelemetry } from "./telemetry.ts";
import type { Waited } from "./waited.ts";

/** What a plan is made of: nothing here is written to. */
export interface PlanContext {
  client: Client;
  contents: Contents;
  caches: Pick<
    Caches,
    "server" | "children" | "config" | "usersOf" | "serversAt" | "gateway" | "controllerOf" | "sees"
  >;
  images: Images;
  /** Where KEDA finds Prometheus. */
  prometheusUrl: string | undefined;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** Undefined: plans as if all pods took calls and gateways knew of it, which is what routes come to in the end. */
  waited: Waited | undefined;
}

interface Gathered {
  server: McpServer;
  pools: EffectivePool[];
  children: Child[];
  config: GatheredConfig;
  store: GatheredStore | undefined;
  routing: GatheredRouting | undefined;
}

/** The rings of a server: of its requestState, and of the passwords of its own store. */
interface Rings {
  requestState: Ring;
  logins: Ring;
}

export const deploymentsOf = (children: Child[]) =>
  new Map(
    children.flatMap(({ kind, name, deployment }) => (kind === "Deployment" && deployment ? [[name, deployment]] : [])),
  );

/** Whether all pods of all pools run, and with what this hash stands for. */
function allRolledOut(pools: EffectivePool[], children: Child[], configHash: string): boolean {
  const deployments = deploymentsOf(children);
  return pools.every(({ objectName }) => {
    const deployment = deployments.get(objectName);
    return deployment?.configHash === configHash && isRolledOut(deployment);
  });
}

/** What pods read at start: a hash of all of it, given that of the ring and of the store, and what of it isn't there. */
interface GatheredConfig {
  hashWith: (ringHash: string | undefined, storeHash: string | undefined) => string;
  missing: MissingReference[];
  /** The same of what the collector reads. */
  collectorHash: string;
  collectorLacks: MissingReference | undefined;
}

async function gatherConfig(
  { metadata, references }: ObservedServer,
  { caches, contents }: PlanContext,
): Promise<GatheredConfig> {
  const { namespace } = metadata;
  const ringSecret = requestStateSecretName({ metadata });
  const theirs = references
    .filter(({ kind, name }) => kind !== "Secret" || name !== ringSecret)
    .map((reference) => ({
      ...reference,
      known: caches.config(configKey(reference.kind, { namespace, name: reference.name })),
    }));
  async function hashesOf(wanted: Reference["use"]): Promise<string[]> {
    const hashes: string[] = [];
    for (const { kind, name, known } of theirs.filter(({ use }) => use === wanted)) {
      const hash = known && (await contents.hash(kind, { namespace, name }, known.resourceVersion));
      hashes.push(`${kind}/${name}/${hash ?? ""}`);
    }
    return hashes;
  }
  const hashes = await hashesOf("environment");
  const missing = theirs.filter(({ known, optional }) => !known && !optional);
  return {
    missing: missing.filter(({ use }) => use !== "collector"),
    collectorHash: hashOf(await hashesOf("collector")),
    collectorLacks: missing.find(({ use }) => use === "collector"),
    // The ring's hash is known to nobody who can't read the Secret: it keeps weak values from being guessed from the hash.
    hashWith: (ringHash = "", storeHash) =>
      hashOf([ringHash, ...hashes, ...(storeHash === undefined ? [] : [`store/${storeHash}`])]),
  };
}

/** Stands for a ring where the user brings the keys, or nobody needs any: there is nothing to make. */
const noRing: Ring = { phase: "steady", rotatedAt: "", hash: "" };

/** A ring of the server's own: whether it is wanted, where it is, and when it is in use everywhere. */
interface OwnRing {
  wanted: { rotateEvery?: string | undefined } | undefined;
  secretName: string;
  state: RingState | undefined;
  rolledOut: boolean;
}

async function gatherRing(
  { metadata: { namespace } }: McpServer,
  { wanted, secretName, state, rolledOut }: OwnRing,
  { client, caches, now }: PlanContext,
): Promise<{ ring: Ring; after?: number }> {
  if (!wanted) return { ring: noRing };
  const key = { namespace, name: secretName };
  const exists = caches.config(configKey("Secret", key)) !== undefined;
  return currentRing({ client, key, exists, state, rolledOut, rotateEvery: wanted.rotateEvery, now: now() });
}

/** Whether the pods of the server's own store take these logins and no others. Other operators' StatefulSets have its labels. */
const storeTakes = ({ metadata }: McpServer, children: Child[], accepted: string | undefined) =>
  children
    .filter(({ kind, owner, idle }) => kind === "StatefulSet" && owner === metadata.uid && !idle)
    .every(({ store }) => store?.settled && store.ready && store.loginsHash === accepted);

/** Whether the pods of all servers that use this one's store are as they should be: others may have the password before. */
function borrowersRolledOut({ metadata }: McpServer, { caches }: PlanContext): boolean {
  const borrowers = caches.usersOf(keyOf(metadata)).filter(({ spec }) => spec?.taskStore?.ref && !spec.paused);
  return borrowers
    .flatMap((borrower) => caches.children(keyOf(borrower.metadata)))
    .every(({ deployment, role }) => !deployment || role !== undefined || isRolledOut(deployment));
}

/** The rings as they should be now, and when to look again. */
async function gatherRings(
  { server, pools, children, config, store }: Gathered,
  context: PlanContext,
): Promise<{ rings: Rings; dues: (number | undefined)[] }> {
  const { metadata, spec } = server;
  const secretName = requestStateSecretName(server);
  const { namespace } = metadata;
  const state = context.caches.config(configKey("Secret", { namespace, name: secretName }))?.ring;
  const { logins } = store ?? {};
  const rolledOut = allRolledOut(pools, children, config.hashWith(state?.hash, store?.hashWith(logins)));
  const [requestState, ofStore] = await Promise.all([
    gatherRing(
      server,
      { wanted: spec.requestState.secretRef ? undefined : spec.requestState, secretName, state, rolledOut },
      context,
    ),
    gatherRing(
      server,
      {
        wanted: spec.taskStore && loginsOf(spec.taskStore),
        secretName: store?.access?.url.name ?? "",
        state: logins,
        rolledOut: rolledOut && storeTakes(server, children, logins?.accepted) && borrowersRolledOut(server, context),
      },
      context,
    ),
  ]);
  return {
    rings: { requestState: requestState.ring, logins: ofStore.ring },
    dues: [requestState.after, ofStore.after],
  };
}

/** What is desired, with these rings. */
function desiredOf(
  { server, config, children, store, routing }: Gathered,
  { requestState, logins }: Rings,
  { images, caches, prometheusUrl }: PlanContext,
): KubeObject[] {
  // Of another server's store, the Secret is the other's, and what it says stands.
  const used = server.spec.taskStore?.ref ? store?.logins : logins;
  return desired(server, {
    ring: requestState,
    routing: routing?.world,
    store: store && { owner: store.owner, logins, images },
    telemetry: server.spec.telemetry && {
      owner: gatherTelemetry(server, caches),
      image: images.collector,
      configHash: config.collectorHash,
    },
    prometheusUrl,
    configHash: config.hashWith(requestState.hash, store?.hashWith(used)),
    deployments: new Set(deploymentsOf(children).keys()),
    isInstalled: caches.sees,
  });
}

/** The plan for what the cluster has kinds for. */
function planOf(gathered: Gathered, rings: Rings, context: PlanContext): Plan {
  const objects = desiredOf(gathered, rings, context);
  const absent = objects.filter(({ kind }) => !context.caches.sees(kind));
  const first = plan(
    objects.filter((object) => !absent.includes(object)),
    gathered.children,
    gathered.server.metadata.uid,
  );
  const obstacles = absent.map(({ kind, metadata }) => ({
    kind,
    name: metadata.name,
    why: "absent" as const,
    message: "",
  }));
  return { ...first, obstacles: [...first.obstacles, ...obstacles] };
}

/** Whether the plan writes the Secret of this name. */
const writesSecret = ({ create, update }: Plan, name: string) =>
  [...create, ...update.map(({ object }) => object)].some(
    ({ kind, metadata }) => kind === "Secret" && metadata.name === name,
  );

/** The plan; keys of a ring are read only when its Secret has to be written. */
async function planFor(gathered: Gathered, rings: Rings, context: PlanContext): Promise<Plan> {
  const { server } = gathered;
  const { namespace } = server.metadata;
  const first = planOf(gathered, rings, context);
  const needsKeys = (ring: Ring, name: string) => !ring.keys && writesSecret(first, name);
  const withKeys = (ring: Ring, name: string) =>
    needsKeys(ring, name) ? ringWithKeys({ client: context.client, key: { namespace, name } }, ring) : ring;
  const [requestState, logins] = await Promise.all([
    withKeys(rings.requestState, requestStateSecretName(server)),
    withKeys(rings.logins, gathered.store?.access?.url.name ?? ""),
  ]);
  const isSame = requestState === rings.requestState && logins === rings.logins;
  return isSame ? first : planOf(gathered, { requestState, logins }, context);
}

export interface ServerPlan {
  pools: EffectivePool[];
  /** Of this very server, and not of an earlier one of its name. */
  own: Child[];
  whole: Plan;
  missing: MissingReference[];
  collectorLacks: MissingReference | undefined;
  store: GatheredStore | undefined;
  routing: GatheredRouting | undefined;
  /** When to look again, in milliseconds. */
  dues: (number | undefined)[];
}

/** What a server that isn't paused needs, all at once, and what was learnt on the way to it. */
export async function planServer(
  observed: ObservedServer,
  server: McpServer,
  context: PlanContext,
): Promise<ServerPlan> {
  const pools = poolsOf(server);
  const { caches, waited } = context;
  const children = caches.children(keyOf(server.metadata));
  const own = children.filter(({ owner, kept }) => owner === server.metadata.uid || kept);
  const routing = gatherRouting(server, { pools, own, caches, waited });
  const config = await gatherConfig(observed, context);
  const store = await gatherStore(server, context);
  const gathered = { server, pools, children, config, store, routing };
  const { rings, dues } = await gatherRings(gathered, context);
  const whole = await planFor(gathered, rings, context);
  const { missing, collectorLacks } = config;
  return { pools, own, whole, missing, collectorLacks, store, routing, dues };
}
