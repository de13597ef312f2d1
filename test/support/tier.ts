// What the tests of a tier are told of its cluster, and what is kept of it when they have ended.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { granted } from "../../charts/generate/rights.ts";
import type { Cluster } from "../cluster/index.ts";
import { type Account, operatorAccount, userOf } from "./account.ts";
import { askedIn } from "./rights.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** The name of the tier's cluster. */
    cluster: string;
    /** Path of the administrator's kubeconfig. */
    kubeconfig: string;
    kubectl: string;
    /** Path of the API server's audit log; empty where there is none to be had. */
    auditLog: string;
    /** Whom operators run as: it has what the chart grants, in every namespace. */
    operator: Account;
  }
}

/** Keeps what operators have asked for, where `npm test` wants to know: see test/rights.ts. */
async function keepAsked(tier: string, { auditLog }: Cluster, account: Account): Promise<void> {
  const folder = process.env.ANYPOD_TEST_RIGHTS;
  if (!folder) return;
  // Null says that there is no telling.
  const asked = auditLog === undefined ? null : await askedIn(auditLog, userOf(account), granted);
  writeFileSync(join(folder, `${tier}.json`), JSON.stringify(asked));
}

/** Tells the tests of their cluster; returns what ends it. */
export async function shareCluster(project: TestProject, cluster: Cluster): Promise<() => Promise<void>> {
  const { account, end } = await operatorAccount(cluster.kubeconfig);
  project.provide("cluster", cluster.name);
  project.provide("kubeconfig", cluster.kubeconfig);
  project.provide("kubectl", cluster.kubectl);
  project.provide("auditLog", cluster.auditLog ?? "");
  project.provide("operator", account);
  return async () => {
    try {
      await keepAsked(project.name, cluster, account);
      await end();
    } finally {
      await cluster.stop();
    }
  };
}
