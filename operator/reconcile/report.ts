// Writes what a pass found into the server's status, and tells of what happened in events.
import { isDeepStrictEqual } from "node:util";
import { apiVersion, type Condition, kind, type Status } from "../api/mcpserver.ts";
import { manager } from "../desired/labels.ts";
import type { Client } from "../kube/client.ts";
import { isNotFound } from "../kube/errors.ts";
import type { Recorder } from "../kube/events.ts";
import { type ApiObject, apply } from "../kube/resource.ts";
import { mcpServers } from "./kinds.ts";
import type { ObservedServer } from "./observed.ts";

export interface ReportContext {
  client: Client;
  caches: { written(object: ApiObject): void };
  record: Recorder;
  /** Milliseconds since the epoch. */
  now: () => number;
  /** The server came to what its spec says, so many seconds after it was written. */
  settled: (seconds: number) => void;
}

/** Numbers of pods move all the time in a rollout: they are written with the next condition, or after so many milliseconds. */
const countsWait = 2000;

const withoutCounts = ({ replicas, readyReplicas, pools, ...rest }: Status) => rest;

/** Whether there is more to say than how many pods there are by now. */
const isNews = (before: Status, after: Status) =>
  before.conditions === undefined || !isDeepStrictEqual(withoutCounts(before), withoutCounts(after));

/**
 * Writes a server's status when it says something new; returns when to look again, in milliseconds, when the write can
 * wait.
 */
export type Report = (observed: ObservedServer, status: Status) => Promise<number | undefined>;

export function createReport(context: ReportContext): Report {
  /** Since when the counts of a server of this uid differ from its status. */
  const countsDiffer = new Map<string, number>();

  /** How long the write can wait; 0: it is due. */
  function waitFor(uid: string, before: Status, after: Status): number {
    if (isNews(before, after)) return 0;
    const since = countsDiffer.get(uid) ?? context.now();
    countsDiffer.set(uid, since);
    return Math.max(0, since + countsWait - context.now());
  }

  return async (observed, after) => {
    const { metadata, status: before } = observed;
    const { uid } = metadata;
    if (!isDeepStrictEqual(before, after)) {
      const wait = waitFor(uid, before, after);
      if (wait > 0) return wait;
      if (await write(observed, after, context)) tell({ metadata, before, after }, context);
    }
    countsDiffer.delete(uid);
    return;
  };
}

/**
 * Whether there was still a server to write the status of. Only the version that was seen gets it: its transition times
 * follow from what stood there before, and caches can be behind, above all when the answer to a write was lost.
 */
async function write(
  { metadata: { namespace, name, uid }, resourceVersion }: ObservedServer,
  status: Status,
  { client, caches }: ReportContext,
): Promise<boolean> {
  const object = { apiVersion, kind, metadata: { namespace, name, uid, resourceVersion }, status };
  try {
    const options = { fieldManager: manager, force: true, subresource: "status" } as const;
    caches.written(await apply<ApiObject>(client, mcpServers, object, options));
    return true;
  } catch (error) {
    // Deleted meanwhile: no status is owed.
    if (isNotFound(error)) return false;
    throw error;
  }
}

const readyOf = ({ conditions }: Status) => conditions?.find(({ type }) => type === "Ready");
/** On the way to Ready, nothing has happened that anybody has to know of. */
const isExpected = (ready: Condition | undefined) =>
  ready === undefined || ["RollingOut", "RoutePending"].includes(ready.reason);

/** Events only when something happens: a problem, another problem, the end of it. */
function tell(
  { metadata, before, after }: Pick<ObservedServer, "metadata"> & { before: Status; after: Status },
  { record, settled, now }: ReportContext,
): void {
  const was = readyOf(before);
  const is = readyOf(after);
  const { namespace, name, uid } = metadata;
  const regarding = { apiVersion, kind, namespace, name, uid };
  if (is?.status === "True" && was?.status !== "True") {
    const began = was?.lastTransitionTime ?? is.lastTransitionTime;
    settled((now() - Date.parse(began)) / 1000);
    if (!isExpected(was))
      record(regarding, { type: "Normal", reason: is.reason, action: "Reconcile", note: is.message });
  }
  // Nothing can be made in a namespace that is going away, not even an event.
  const isProblem = is?.status === "False" && !isExpected(is) && is.reason !== "NamespaceTerminating";
  if (isProblem && is.reason !== was?.reason)
    record(regarding, { type: "Warning", reason: is.reason, action: "Reconcile", note: is.message });
}
