// What the tests that install the charts share: Helm on the tier's cluster, packages, and the operators' pods.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { ensureBinaries } from "../cluster/binaries.ts";
import { runHelm } from "../support/helm.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";

export interface Packages {
  /** The path of a chart's package. */
  of(chart: string): string;
  remove(): void;
}

export interface Helm {
  /** Packages the charts of a checkout, as a release does. */
  package(sources: string, charts: string[]): Promise<Packages>;
  /** Runs a command on a release in the namespace, and waits until what it changes is ready. */
  on(command: string, release: string, place: TestKube, ...args: string[]): Promise<string>;
}

export async function startHelm(): Promise<Helm> {
  const context = { log: (line: string) => console.log(line), signal: new AbortController().signal };
  const binary = (await ensureBinaries(context, ["helm"]))("helm");
  const target = ["--kubeconfig", inject("kubeconfig"), "--wait", "--timeout=150s"];
  return {
    async package(sources, charts) {
      const folder = mkdtempSync(join(tmpdir(), "anypod-packages-"));
      for (const chart of charts)
        await runHelm(binary, ["package", join(sources, "charts", chart), "--destination", folder]);
      const isOf = (chart: string) => (file: string) => file.replace(/-\d+\.\d+\.\d+\.tgz$/, "") === chart;
      return {
        of: (chart) => join(folder, readdirSync(folder).find(isOf(chart)) ?? ""),
        remove: () => rmSync(folder, { recursive: true }),
      };
    },
    on: (command, release, { namespace }, ...args) =>
      runHelm(binary, [command, release, ...args, "--namespace", namespace, ...target]),
  };
}

/** A namespace that lets in only what the pod security standard `restricted` does. */
export const restrictedNamespace = () =>
  testKube(inject("kubeconfig"), {
    "pod-security.kubernetes.io/enforce": "restricted",
    "pod-security.kubernetes.io/warn": "restricted",
  });

export async function removeNamespace({ client, namespace }: TestKube): Promise<void> {
  await client.json({ method: "DELETE", path: `/api/v1/namespaces/${namespace}` });
  await client.close();
}

export async function podsIn({ client, namespace }: TestKube, labelSelector: string): Promise<AnyObject[]> {
  const query = { labelSelector };
  const { items } = await client.json<{ items: AnyObject[] }>({ path: `/api/v1/namespaces/${namespace}/pods`, query });
  return items.filter(({ metadata }) => !metadata.deletionTimestamp);
}
export const operatorsIn = (system: TestKube) => podsIn(system, "app.kubernetes.io/name=anypod");
export const uidsOf = (objects: AnyObject[]) => objects.map(({ metadata }) => metadata.uid).sort();

/** What a pod answers, or has logged. */
export async function textOf({ client, namespace }: TestKube, pod: AnyObject, path: string): Promise<string> {
  const lines: string[] = [];
  const whole = `/api/v1/namespaces/${namespace}/pods/${pod.metadata.name}${path}`;
  for await (const line of client.lines({ path: whole })) lines.push(line);
  return lines.join("\n");
}

/** The name of the pod that leads. */
export async function leaderIn({ client, namespace }: TestKube): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/anypod`;
  const { spec } = await client.json<{ spec: { holderIdentity: string } }>({ path });
  return spec.holderIdentity.split("_")[0]!;
}

/** Waits until an operator leads that has looked at so many servers. */
export const looked = (system: TestKube, servers = 1) =>
  eventually(
    `an operator has looked at ${servers} servers`,
    async () => {
      const metrics = await Promise.all(
        (await operatorsIn(system)).map((pod) => textOf(system, pod, ":8080/proxy/metrics")),
      );
      const count = (text: string) =>
        Number(/^controller_runtime_reconcile_total\{.*"success"\} (\d+)/m.exec(text)?.[1]);
      return metrics.some((text) => count(text) >= servers);
    },
    60,
  );
