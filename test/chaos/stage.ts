// What a scenario plays on: a cluster with its recorder and its fake nodes, and for each scenario namespaces, proxies and
// operators of its own, all of which end with it.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startCluster } from "../cluster/index.ts";
import { installCrd, type TestKube, testKube } from "../support/kube.ts";
import { type AuditLog, openAuditLog } from "./audit.ts";
import type { State } from "./canonical.ts";
import { type History, recordHistory } from "./history.ts";
import { startKubelet } from "./kubelet.ts";
import { type Operator, startOperator } from "./operator.ts";
import { type ChaosProxy, startProxy } from "./proxy.ts";
import { type Client, discover } from "./snapshot.ts";

/** One for all scenarios of a run. */
export interface Theatre {
  kubeconfig: string;
  client: Client;
  kinds: Awaited<ReturnType<typeof discover>>;
  audit: AuditLog;
  history: History;
  folder: string;
  /** The states that the story leads to without faults, once they are known. */
  states: State[] | undefined;
  /** Looks again for the kinds that there are. */
  rediscover(): Promise<void>;
  stop(): Promise<void>;
}

export async function openTheatre(
  name: string,
  log: (line: string) => void,
  { definition = true } = {},
): Promise<Theatre> {
  const cluster = await startCluster({ mode: "control-plane", name, log });
  const { kubeconfig, auditLog } = cluster;
  if (auditLog === undefined) throw new Error("the fault suite reads the audit log, which this cluster doesn't show");
  if (definition) await installCrd(kubeconfig);
  const { client } = await testKube(kubeconfig);
  const history = recordHistory(client);
  const kubelet = startKubelet(client);
  const folder = mkdtempSync(join(tmpdir(), "anypod-chaos-"));
  return {
    ...{ kubeconfig, client, history, folder, audit: openAuditLog(auditLog), states: undefined },
    kinds: await discover(client),
    async rediscover() {
      this.kinds = await discover(client);
    },
    async stop() {
      await Promise.all([history.stop(), kubelet.stop()]);
      await client.close();
      rmSync(folder, { recursive: true, force: true });
      await cluster.stop();
    },
  };
}

export interface Stage {
  theatre: Theatre;
  seed: number;
  /** The whole suite, with its long times and many repetitions, or the quick part. */
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
  /** Ends all that the scenario has started. */
  close(): Promise<void>;
}

export interface StageOptions {
  theatre: Theatre;
  seed: number;
  whole: boolean;
  say: (line: string) => void;
}

let proxies = 0;

export function openStage({ theatre, seed, whole, say }: StageOptions): Stage {
  const ends: (() => Promise<unknown>)[] = [];
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
      onEnd(() => operator.kill("SIGKILL"));
      return operator;
    },
    async close() {
      for (const end of ends) await end();
    },
  };
}
