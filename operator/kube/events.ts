// Events (events.k8s.io/v1) about objects: what happened, for `kubectl describe`. The same again is counted in a series, not
// told anew, and none ever holds up or fails the work that it tells of.
import type { Client } from "./client.ts";
import { isNotFound } from "./errors.ts";
import { collectionPath, microTime, type ResourceType } from "./resource.ts";

export interface Regarding {
  apiVersion: string;
  kind: string;
  namespace: string;
  name: string;
  uid: string;
}

export interface Happening {
  type: "Normal" | "Warning";
  /** CamelCase, at most 128 characters. */
  reason: string;
  /** What was being done, CamelCase. */
  action: string;
  note: string;
}

/** Tells of something that happened to an object. */
export type Recorder = (regarding: Regarding, happening: Happening) => void;

export interface RecorderOptions {
  client: Client;
  /** Who tells, such as `anypod.dev/operator`, and which of its processes. */
  controller: string;
  instance: string;
  failed: (error: unknown) => void;
}

const events: ResourceType = { apiVersion: "events.k8s.io/v1", kind: "Event", plural: "events" };
/** Within this time, in milliseconds, the same happening is one series. */
const seriesWindow = 6 * 60_000;
const maxNote = 1024;
const maxKnown = 4096;

interface Known {
  name: string;
  count: number;
  at: number;
}

export function createRecorder({ client, controller, instance, failed }: RecorderOptions): Recorder {
  const known = new Map<string, Known>();

  function create(regarding: Regarding, happening: Happening, { name, at }: Known): Promise<unknown> {
    const { namespace } = regarding;
    return client.json({
      method: "POST",
      path: collectionPath(events, namespace),
      body: {
        apiVersion: events.apiVersion,
        kind: events.kind,
        metadata: { namespace, name },
        eventTime: microTime(at),
        reportingController: controller,
        reportingInstance: instance,
        regarding,
        ...happening,
        note: happening.note.slice(0, maxNote),
      },
    });
  }

  function repeat(namespace: string, { name, count, at }: Known): Promise<unknown> {
    return client.json({
      method: "PATCH",
      path: `${collectionPath(events, namespace)}/${name}`,
      contentType: "application/merge-patch+json",
      body: { series: { count, lastObservedTime: microTime(at) } },
    });
  }

  return (regarding, happening) => {
    const id = [regarding.uid, happening.type, happening.reason, happening.note].join("\n");
    const now = Date.now();
    const before = known.get(id);
    const again = before !== undefined && now - before.at < seriesWindow;
    const name = again ? before.name : `${regarding.name}.${now.toString(16)}${known.size.toString(16)}`;
    const current = { name, count: again ? before.count + 1 : 1, at: now };
    known.delete(id);
    known.set(id, current);
    const [oldest] = known.keys();
    if (known.size > maxKnown && oldest !== undefined) known.delete(oldest);
    const told = again ? repeat(regarding.namespace, current) : create(regarding, happening, current);
    told.catch((error) => {
      known.delete(id);
      // The namespace is going away, or the event has expired.
      if (!isNotFound(error)) failed(error);
    });
  };
}

/** What was told last about an object for this reason; undefined when nothing was. */
export async function lastNote(
  client: Client,
  { namespace, name }: { namespace: string; name: string },
  reason: string,
): Promise<string | undefined> {
  interface Told {
    metadata: { creationTimestamp: string };
    deprecatedLastTimestamp?: string;
    series?: { lastObservedTime: string };
    note?: string;
  }
  const query = { fieldSelector: `regarding.name=${name},reason=${reason}` };
  const { items } = await client.json<{ items: Told[] }>({ path: collectionPath(events, namespace), query });
  const at = ({ metadata, deprecatedLastTimestamp, series }: Told) =>
    Date.parse(series?.lastObservedTime ?? deprecatedLastTimestamp ?? metadata.creationTimestamp);
  return items.sort((a, b) => at(b) - at(a))[0]?.note;
}
