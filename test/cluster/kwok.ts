// The provider for measurements at scale: a control plane, a scheduler, and kwok, which plays nodes. Pods turn Ready at once
// and nothing runs in them, so that thousands fit on a small machine. The audit log holds every request, reads too, of all
// but the cluster's own components; `kubeconfigOf` gives a user of its own to whoever is to be told apart in it.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { type RunningControlPlane, runControlPlane } from "./control-plane-only.ts";
import type { Cluster } from "./index.ts";
import { type StartContext, startProcess, waitFor } from "./processes.ts";
import type { Provider } from "./providers.ts";

const run = promisify(execFile);

const users = {
  scheduler: "system:kube-scheduler",
  kwok: "kwok",
  /** The operator that is measured. */
  operator: "operator",
};
type User = keyof typeof users;

/** Every request, by whom and how long it took; bodies would only take time. */
const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    {
      level: "None",
      users: ["system:kube-controller-manager", "system:apiserver", "kube-apiserver", users.scheduler, users.kwok],
    },
    { level: "Metadata" },
  ],
};

/**
 * Left out: without metrics it does nothing but to write an event a server every few seconds. So a Deployment with an
 * autoscaler stays at the one pod that the API server gives it.
 */
const withoutControllers = ["horizontal-pod-autoscaler-controller"];

const nodeCount = 4;

/** Path of the kubeconfig of one of the users above. */
export const kubeconfigOf = ({ kubeconfig }: Pick<Cluster, "kubeconfig">, user: User) => `${kubeconfig}-${user}`;

export async function startFakePods(context: StartContext): Promise<Provider> {
  const plane = await runControlPlane(context, ["kube-scheduler", "kwok"], { auditPolicy, withoutControllers });
  for (const [user, name] of Object.entries(users)) {
    await plane.pki.issue({ file: user, user: name, group: "system:masters" });
    plane.pki.kubeconfig({ path: kubeconfigOf(plane.facts, user as User), server: plane.server, identity: user });
  }
  startScheduler(context, plane);
  const kwok = startKwok(context, plane);
  await createNodes(plane);
  await waitFor(context, kwok, "the fake nodes to be ready", () => areReady(plane));
  return { facts: plane.facts, loadImage: () => Promise.resolve() };
}

function startScheduler(context: StartContext, { binary, facts }: RunningControlPlane): void {
  const config = kubeconfigOf(facts, "scheduler");
  startProcess(context, {
    name: "kube-scheduler",
    command: binary("kube-scheduler"),
    args: [
      `--kubeconfig=${config}`,
      "--leader-elect=false",
      "--secure-port=0",
      "--kube-api-qps=500",
      "--kube-api-burst=1000",
    ],
  });
}

function startKwok(context: StartContext, { binary, facts }: RunningControlPlane) {
  return startProcess(context, {
    name: "kwok",
    command: binary("kwok"),
    args: [
      `--kubeconfig=${kubeconfigOf(facts, "kwok")}`,
      `--config=${join(import.meta.dirname, "binaries/kwok/stages.yaml")}`,
      "--manage-all-nodes",
      "--node-lease-duration-seconds=40",
      "--cidr=10.128.0.0/12",
    ],
  });
}

async function createNodes({ facts }: RunningControlPlane): Promise<void> {
  const items = Array.from({ length: nodeCount }, (_, index) => ({
    apiVersion: "v1",
    kind: "Node",
    metadata: { name: `fake-${index}`, labels: { "kubernetes.io/hostname": `fake-${index}` } },
  }));
  const created = run(facts.kubectl, ["--kubeconfig", facts.kubeconfig, "create", "-f", "-"]);
  created.child.stdin?.end(JSON.stringify({ apiVersion: "v1", kind: "List", items }));
  await created;
}

interface NodeList {
  items: { spec: { taints?: unknown[] }; status: { conditions?: { type: string; status: string }[] } }[];
}

async function areReady({ client }: RunningControlPlane): Promise<boolean> {
  const { items } = (await client.get("/api/v1/nodes")) as NodeList;
  const ready = items.filter(
    ({ spec, status }) =>
      (spec.taints ?? []).length === 0 &&
      status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True"),
  );
  return ready.length === nodeCount;
}
