// What a scenario plays on: a cluster with its recorder and its fake nodes, and for each scenario namespaces, proxies and
// operators of its own, all of which end with it.
import { mkdtempSync } from "node:fs";
import { dirname, join } from "node:path";
import { startCluster } from "../cluster/index.ts";
import { installCrd, type TestKube, testKube } from "../support/kube.ts";
import { type AuditLog, openAuditLog } from "./audit.ts";
import type { State } from "./canonical.ts";
import { createHistory, type History } from "./history.ts";
import { startKubelet } from "./kubelet.ts";
import { type Operator, startOperator } from "./operator.ts";
import { type ChaosProxy, startProxy } from "./proxy.ts";
import { type Client, discover, type Kind } from "./snapshot.ts";

/** What all clusters of a run share. */
export interface Run {
  seed: number;
  /** The whole suite, with its long times and many repetitions, or the quick part. */
  whole: boolean;
  history: History;
  /** The states that the story leads to without faults, once somebody has asked for them. */
  states: Promise<State[]> | undefined;
}

export const newRun = (options: Pick<Run, "seed" | "whole">): Run => ({
  ...options,
  history: createHistory(),
  states: undefined,
});

/** A cluster, on which one scenario is played at a time. */
export interface Theatre {
  run: Run;
  kubeconfig: string;
  client: Client;
  kinds: Kind[];
  audit: AuditLog;
  folder: string;
  /** Looks again for the kinds that there are. */
  rediscover(): Promise<void>;
  stop(): Promise<void>;
}

/** Opens a theatre on a cluster of this name; `definition: false` leaves the CustomResourceDefinition out. */
export async function openTheatre(run: Run, name: string, { definition = true } = {}): Promise<Theatre> {
  const cluster = await startCluster({ mode: "control-plane", name });
  const { kubeconfig, auditLog } = cluster;
  if (auditLog === undefined) throw new Error("the fault suite reads the audit log, which this cluster doesn't show");
  if (definition) await installCrd(kubeconfig);
  const { client } = await testKube(kubeconfig);
  const unfollow = run.history.follow(client);
  const kubelet = startKubelet(client);
  // In the cluster's own directory, which goes with it, however this process ends.
  const folder = mkdtempSync(join(dirname(kubeconfig), "proxies-"));
  const theatre: Theatre = {
    ...{ run, kubeconfig, client, folder, audit: openAuditLog(auditLog) },
    kinds: await discover(client),
    async rediscover() {
      theatre.kinds = await discover(client);
    },
    async stop() {
      await Promise.all([unfollow(), kubelet.stop()]);
      await client.close();
      await cluster.stop();
    },
  };
  return theatre;
}

export interface Stage {
  theatre: Theatre;
  seed: number;
  whole: boolean;
  /** For how long nothing may be written at the end. */
  quietSeconds: number;
  /** Notes what was done or found. */
  say(line: string): void;
  /** A namespace of its own. */
  namespace(labels?: Record<string, string>): Promise<TestKube>;
  proxy(seed?: number): Promise<ChaosProxy>;
  /** Starts an operator behind the proxy; it may not have listed anything yet. */
  operator(proxy: ChaosProxy, ...flags: string[]): Operator;
  /** The last that each operator has said, for the report of a failure. */
  lastWords(): string[];
  /** Ends all that the scenario has started. */
  close(): Promise<void>;
}

let proxies = 0;

export function openStage(theatre: Theatre, say: (line: string) => void): Stage {
  const { seed, whole } = theatre.run;
  const ends: (() => Promise<unknown>)[] = [];
  const operators: Operator[] = [];
  const onEnd = (end: () => Promise<unknown>) => void ends.unshift(end);
  return {
    ...{ theatre, seed, whole, say },
    quietSeconds: whole ? 60 : 5,
    async namespace(labels) {
      const kube = await testKube(theatre.kubeconfig, labels);
      onEnd(async () => {
        await theatre.client.json({ method: "DELETE", path: `/api/v1/namespaces/${kube.namespace}` }).catch(() => {});
        await kube.client.close();
      });
      return kube;
    },
    async proxy(proxySeed = seed) {
      const name = `p${++proxies}`;
      const file = join(theatre.folder, `${name}.kubeconfig`);
      const proxy = await startProxy({ kubeconfig: theatre.kubeconfig, file, name, seed: proxySeed });
      onEnd(proxy.stop);
      return proxy;
    },
    operator(proxy, ...flags) {
      const operator = startOperator(proxy.kubeconfig, flags);
      operators.push(operator);
      onEnd(() => operator.kill("SIGKILL"));
      return operator;
    },
    lastWords: () =>
      operators
        .filter((operator) => operator.alive() || operator.process.exitCode)
        .map((operator) => `the operator's last words:\n${operator.log().trimEnd().split("\n").slice(-12).join("\n")}`),
    async close() {
      for (const end of ends) await end();
    },
  };
}
