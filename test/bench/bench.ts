// What every part works with: the cluster, clients, the audit log, and the operator when a part wants one.

import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type Client, createClient, loadKubeConfig } from "../../operator/kube/client.ts";
import type { Cluster } from "../cluster/index.ts";
import type { StartContext } from "../cluster/processes.ts";
import { type AuditEvent, auditFromNow } from "./audit.ts";
import { type MeasuredOperator, type OperatorOptions, type Program, startMeasured } from "./operator.ts";
import type { Options } from "./options.ts";
import type { Measure } from "./report.ts";
import { createNamespace, deleteNamespace } from "./servers.ts";
import { cpuSeconds, pidOf } from "./usage.ts";

export interface Bench {
  options: Options;
  cluster: Cluster;
  program: Program;
  /** Sets things up, and plays the user. */
  user: Client;
  /** The floor's own connections. */
  floor: Client;
  /** Process ids of the API server and etcd. */
  plane: { "API server": number; etcd: number };
  say(line: string): void;
  record(measure: Measure): void;
  startOperator(options?: OperatorOptions): Promise<MeasuredOperator>;
  /** Reads what the operator asks the API server for from now on. */
  operatorRequests(): () => AuditEvent[];
  /** The same of the floor, in a namespace. */
  floorRequests(namespace: string): () => AuditEvent[];
  /** Runs the work in a namespace that is gone afterwards. */
  inNamespace<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Returns when the API server has nothing to do. */
  settled(): Promise<void>;
  /** Runs the work while the cluster's own controllers stand still. */
  withoutControllers<T>(work: () => Promise<T>): Promise<T>;
}

export interface BenchContext extends Pick<Bench, "options" | "cluster" | "program" | "say" | "record"> {
  context: Omit<StartContext, "dir">;
}

const userOfOperator = "operator";
const userOfFloor = "admin";

/** Share of a core that an API server without work may take. */
const idle = 0.15;

async function untilIdle(pid: number, signal: AbortSignal): Promise<void> {
  const deadline = Date.now() + 900_000;
  let quiet = 0;
  let before = cpuSeconds(pid);
  while (quiet < 3 && Date.now() < deadline) {
    await delay(1000, undefined, { signal });
    const now = cpuSeconds(pid);
    quiet = now - before < idle ? quiet + 1 : 0;
    before = now;
  }
}

export function createBench(options: BenchContext): Bench {
  const { cluster, say, context } = options;
  const dir = dirname(cluster.kubeconfig);
  const newClient = () => createClient(loadKubeConfig(cluster.kubeconfig));
  const [user, floor] = [newClient(), newClient()];
  context.onEnd(async () => void (await Promise.all([user.close(), floor.close()])));
  const apiServer = pidOf("kube-apiserver", dir);
  const controllers = pidOf("kube-controller-manager", dir);
  const auditLog = cluster.auditLog ?? "";
  const requestsOf = (matches: (event: AuditEvent) => boolean) => {
    const read = auditFromNow(auditLog);
    return () => read().filter(matches);
  };
  return {
    ...options,
    user,
    floor,
    plane: { "API server": apiServer, etcd: pidOf("etcd", dir) },
    startOperator: (how) => startMeasured(options, how),
    operatorRequests: () => requestsOf((event) => event.user === userOfOperator),
    floorRequests: (namespace) => requestsOf((event) => event.user === userOfFloor && event.namespace === namespace),
    async inNamespace(name, work) {
      await createNamespace(user, name);
      const result = await work();
      say(`clearing ${name}`);
      await deleteNamespace(user, name);
      return result;
    },
    settled: () => untilIdle(apiServer, context.signal),
    async withoutControllers(work) {
      process.kill(controllers, "SIGSTOP");
      try {
        return await work();
      } finally {
        process.kill(controllers, "SIGCONT");
      }
    },
  };
}
