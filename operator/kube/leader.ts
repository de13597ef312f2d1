// Leader election on a Lease: one of several operators writes, the others stand by with warm caches.
//
// Clocks of machines are never compared: a follower waits until it has itself seen no renewal for the lease's length, and
// a leader stops writing a third of that length earlier, by a clock that no one can set.
import { setTimeout as delay } from "node:timers/promises";
import type { Client } from "./client.ts";
import { isConflict, isNotFound } from "./errors.ts";
import { collectionPath, microTime, type ResourceType } from "./resource.ts";
import { follow } from "./watch.ts";

export interface LeaderOptions {
  client: Client;
  namespace: string;
  name: string;
  /** Unique to this process. */
  identity: string;
  /** Ends the candidacy; the lease is handed over when it is held. */
  signal: AbortSignal;
  /** A try to take or to renew the lease failed; it is tried again. */
  failed: (error: unknown) => void;
}

export interface Leadership {
  /** Resolves when this process leads; never, when it is stopped before. */
  acquired: Promise<void>;
  /** Resolves when it led and could not renew in time: the process must end. */
  lost: Promise<void>;
  /** Whether it may write right now. Asked before each write, so that a process that was frozen writes nothing. */
  mayWrite(): boolean;
  /** Resolves when the lease has been handed over after the signal. */
  released: Promise<void>;
}

const leaseSeconds = 15;
/** A leader that has not renewed for this long stops writing. */
const renewDeadline = 10_000;
const retryPeriod = 2000;
/** Tries are never closer than this. */
const soonest = 100;

const leases: ResourceType = { apiVersion: "coordination.k8s.io/v1", kind: "Lease", plural: "leases" };

interface Lease {
  metadata: { name: string; namespace: string; resourceVersion?: string };
  spec?: {
    holderIdentity?: string;
    leaseDurationSeconds?: number;
    acquireTime?: string;
    renewTime?: string;
    leaseTransitions?: number;
  };
}

/** Milliseconds since an instant, by the clock that says more: one stops while a machine sleeps, the other can be set. */
function stopwatch(): { elapsed: () => number } {
  const monotonic = performance.now();
  const wall = Date.now();
  return { elapsed: () => Math.max(performance.now() - monotonic, Date.now() - wall) };
}

/** The lease as this process would hold it. */
function held(current: Lease | undefined, { namespace, name, identity }: LeaderOptions): Lease {
  const now = microTime(Date.now());
  const mine = current?.spec?.holderIdentity === identity;
  return {
    metadata: current?.metadata ?? { namespace, name },
    spec: {
      holderIdentity: identity,
      leaseDurationSeconds: leaseSeconds,
      acquireTime: mine ? (current.spec?.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (current?.spec?.leaseTransitions ?? 0) + (mine || !current ? 0 : 1),
    },
  };
}

/** Takes part in the election until the signal aborts. */
export function campaign(options: LeaderOptions): Leadership {
  const { client, namespace, name, identity, signal } = options;
  const path = collectionPath(leases, namespace);
  const acquired = Promise.withResolvers<void>();
  const lost = Promise.withResolvers<void>();
  const released = Promise.withResolvers<void>();
  /** The lease as last seen, and since when it has not changed. */
  let seen: { lease: Lease | undefined; unchanged: { elapsed: () => number } } | undefined;
  let renewed: { elapsed: () => number } | undefined;
  let over = false;
  let wake = () => {};

  const mayWrite = () => !over && renewed !== undefined && renewed.elapsed() < renewDeadline;

  async function readLease(): Promise<Lease | undefined> {
    try {
      return await client.json<Lease>({ path: `${path}/${name}`, signal, timeout: retryPeriod * 2 });
    } catch (error) {
      if (isNotFound(error)) return;
      throw error;
    }
  }

  function notice(lease: Lease | undefined): void {
    if (!seen || seen.lease?.metadata.resourceVersion !== lease?.metadata.resourceVersion)
      seen = { lease, unchanged: stopwatch() };
  }

  /** Until the lease is anybody's, in milliseconds. */
  const left = ({ lease, unchanged }: NonNullable<typeof seen>) =>
    (lease?.spec?.leaseDurationSeconds ?? leaseSeconds) * 1000 - unchanged.elapsed();

  const isFree = (known: NonNullable<typeof seen>) => {
    const holder = known.lease?.spec?.holderIdentity;
    return !holder || holder === identity || left(known) < 0;
  };

  /** Until the next try: a follower is there at the moment at which the lease ends, should it not be renewed. */
  const nextTry = () => (renewed || !seen ? retryPeriod : Math.max(soonest, Math.min(retryPeriod, left(seen))));

  async function write(lease: Lease): Promise<void> {
    const exists = lease.metadata.resourceVersion !== undefined;
    const written = await client.json<Lease>({
      method: exists ? "PUT" : "POST",
      path: exists ? `${path}/${name}` : path,
      body: { ...lease, apiVersion: leases.apiVersion, kind: leases.kind },
      timeout: retryPeriod * 2,
    });
    seen = { lease: written, unchanged: stopwatch() };
  }

  /** Writes the lease as held by this process; one that somebody else took meanwhile is a conflict, and read anew. */
  async function hold(current: Lease | undefined): Promise<void> {
    try {
      await write(held(current, options));
    } catch (error) {
      if (isConflict(error)) notice(await readLease());
      throw error;
    }
  }

  /** Takes the lease when it is free, or renews it; counted from before the request, which may have taken its time. */
  async function tryOnce(): Promise<void> {
    const began = stopwatch();
    // Its own renewal needs no read.
    if (!renewed) notice(await readLease());
    if (!seen || !isFree(seen)) return;
    await hold(seen.lease);
    const late = renewed !== undefined && renewed.elapsed() >= renewDeadline;
    if (late) return;
    renewed = began;
    acquired.resolve();
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await tryOnce().catch((error) => signal.aborted || options.failed(error));
      if (renewed && !mayWrite()) {
        over = true;
        return lost.resolve();
      }
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await Promise.race([woken, delay(nextTry(), undefined, { signal }).catch(() => {})]);
    }
    await handOver();
  }

  /** Lets the next one in at once. */
  async function handOver(): Promise<void> {
    const mine = mayWrite() && seen?.lease?.spec?.holderIdentity === identity;
    over = true;
    if (!mine || !seen?.lease) return;
    const spec = { ...seen.lease.spec, holderIdentity: "", leaseDurationSeconds: 1, renewTime: microTime(Date.now()) };
    await write({ ...seen.lease, spec }).catch(options.failed);
  }

  /** Followers hear at once of a lease that is handed over. */
  const sink = {
    set: (object: unknown) => {
      const lease = object as Lease;
      if (renewed) return;
      notice(lease);
      if (!lease.spec?.holderIdentity) wake();
    },
    remove: () => wake(),
    listed: () => {},
    absent: () => {},
    failed: () => {},
  };
  void follow(client, { path, fieldSelector: `metadata.name=${name}` }, sink, signal);
  void run().finally(released.resolve);
  return { acquired: acquired.promise, lost: lost.promise, mayWrite, released: released.promise };
}
