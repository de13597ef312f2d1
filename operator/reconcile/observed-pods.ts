// What is kept of pods: those that don't come up, and why.
import { poolLabel, roleLabel, serverLabel } from "../desired/labels.ts";
import type { ApiObject } from "../kube/resource.ts";
import type { PodProblem } from "../status/observed.ts";

/** A pod that doesn't come up, and why. Others aren't kept. */
export interface ObservedPod extends PodProblem {
  resourceVersion: string;
  namespace: string;
  server: string;
}

interface ContainerStatus {
  name: string;
  state?: {
    waiting?: { reason?: string; message?: string };
    terminated?: { reason?: string; exitCode?: number; message?: string };
  };
  lastState?: { terminated?: { exitCode?: number; message?: string } };
}
interface PodObject extends ApiObject {
  status?: {
    conditions?: { type: string; status: string; reason?: string; message?: string }[];
    initContainerStatuses?: ContainerStatus[];
    containerStatuses?: ContainerStatus[];
  };
}

/** Reasons to wait that pass by themselves. */
const startingUp = new Set(["ContainerCreating", "PodInitializing"]);

/** The line that says why, of the last that a container had to say. */
function whyOf(lastWords: string): string | undefined {
  const lines = lastWords.trim().split("\n");
  return (lines.findLast((line) => /FATAL|PANIC|No space left/.test(line)) ?? lines.at(-1)) || undefined;
}

function containerProblem({ status }: PodObject): Omit<PodProblem, "pod" | "pool" | "createdAt"> | undefined {
  const statuses = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  for (const { name, state, lastState } of statuses) {
    const { reason, message = "" } = state?.waiting ?? {};
    if (!reason || startingUp.has(reason)) continue;
    const { exitCode, message: lastWords = "" } = lastState?.terminated ?? {};
    return {
      container: name,
      reason,
      message: whyOf(lastWords) ?? message,
      ...(exitCode !== undefined && { exitCode }),
    };
  }
  return;
}

function unschedulable({ status }: PodObject): Omit<PodProblem, "pod" | "pool" | "createdAt"> | undefined {
  const condition = status?.conditions?.find(({ type }) => type === "PodScheduled");
  if (condition?.reason !== "Unschedulable") return;
  return { container: "", reason: "Unschedulable", message: condition.message ?? "" };
}

export function observePod(object: ApiObject): ObservedPod | undefined {
  const { labels = {}, namespace, name, deletionTimestamp, creationTimestamp = "", resourceVersion } = object.metadata;
  const server = labels[serverLabel];
  if (server === undefined || deletionTimestamp) return;
  const problem = unschedulable(object as PodObject) ?? containerProblem(object as PodObject);
  const { [poolLabel]: pool = "", [roleLabel]: role = "" } = labels;
  return (
    problem && { ...problem, pod: name, pool, role, createdAt: creationTimestamp, namespace, server, resourceVersion }
  );
}
