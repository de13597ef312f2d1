// Every version that every McpServer ever had, by a watch straight to the API server, and the laws of conditions that hold
// between one version and the next.
import type { Condition } from "../../operator/api/mcpserver.ts";
import type { Client } from "./snapshot.ts";
import { watchAll } from "./watch-all.ts";

interface Version {
  metadata: { namespace: string; name: string; uid: string; resourceVersion: string; generation: number };
  status?: { observedGeneration?: number; conditions?: Condition[] };
}

const path = "/apis/anypod.dev/v1alpha1/mcpservers";

/** What is wrong between two versions of one condition; empty when nothing is. */
function conditionProblem(before: Condition | undefined, after: Condition): string {
  if (!before) return "";
  const moved = before.lastTransitionTime !== after.lastTransitionTime;
  if (before.status === after.status) return moved ? `its time moved while it stayed ${after.status}` : "";
  if (!moved) return `its time stood still while it went from ${before.status} to ${after.status}`;
  const back = Date.parse(after.lastTransitionTime) < Date.parse(before.lastTransitionTime);
  return back ? "its time went backwards" : "";
}

/** Conditions that every server has; the others go when a spec asks no longer for what they are about. */
const always = new Set(["Ready", "Reconciling", "Stalled", "Available"]);

/** The laws of one step of a server's status. */
export function statusProblems(before: Version, after: Version): string[] {
  const { namespace, name, resourceVersion, generation } = after.metadata;
  const where = `${namespace}/${name} at version ${resourceVersion}`;
  const old = new Map((before.status?.conditions ?? []).map((condition) => [condition.type, condition]));
  const now = after.status?.conditions ?? [];
  const problems = now.flatMap((condition) => {
    const problem = conditionProblem(old.get(condition.type), condition);
    return problem === "" ? [] : [`${where}: ${condition.type}: ${problem}`];
  });
  const types = new Set(now.map(({ type }) => type));
  const { observedGeneration = 0 } = after.status ?? {};
  const isOfNewSpec = observedGeneration > (before.status?.observedGeneration ?? 0);
  const lost = [...old.keys()].filter((type) => !types.has(type) && (always.has(type) || !isOfNewSpec));
  return [
    ...problems,
    ...lost.map((type) => `${where}: ${type} has gone`),
    ...(observedGeneration > generation ? [`${where}: it has observed a generation that isn't yet`] : []),
    ...(observedGeneration < (before.status?.observedGeneration ?? 0)
      ? [`${where}: it has observed less than before`]
      : []),
  ];
}

export interface History {
  /** Records a cluster's servers from now on; the returned function ends that. */
  follow(client: Client): () => Promise<void>;
  /** How many versions of how many servers have been recorded. */
  counts(): { versions: number; servers: number };
  /** What broke a law so far. */
  problems(): string[];
}

export function createHistory(): History {
  const latest = new Map<string, Version>();
  const problems: string[] = [];
  let versions = 0;

  function take(version: Version) {
    const before = latest.get(version.metadata.uid);
    if (before?.metadata.resourceVersion === version.metadata.resourceVersion) return;
    versions++;
    if (before) problems.push(...statusProblems(before, version));
    latest.set(version.metadata.uid, version);
  }

  return {
    follow: (client) => {
      const { stop } = watchAll<Version>({ client, path, seen: take });
      return stop;
    },
    counts: () => ({ versions, servers: latest.size }),
    problems: () => problems,
  };
}
