// etcd, the API server and the controller manager: all that objects need, and nothing that runs a pod. The node starts it
// inside its own namespaces; alone it listens on 127.0.0.1 only.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiClient, apiClient } from "./api-client.ts";
import { auditPolicy } from "./audit.ts";
import { createPki, type Pki } from "./pki.ts";
import { type Process, type StartContext, startProcess, waitFor } from "./processes.ts";

export interface ControlPlaneOptions {
  /** The path of a binary, such as `kube-apiserver`. */
  binary: (name: string) => string;
  ports: { api: number; etcd: number; etcdPeer: number };
  /** The address that the API server binds to, and the one that pods know it by. */
  bind: string;
  advertise: string;
  auditLog: string;
  /** What the audit log holds: see audit.ts, unless told. */
  auditPolicy?: object;
  /** Controllers to leave out, by name. */
  withoutControllers?: string[];
}

export interface ControlPlane {
  pki: Pki;
  client: ApiClient;
  /** Resolves when the API server takes requests and the controllers run. */
  ready: Promise<unknown>;
}

const serviceRange = "10.96.0.0/16";

/** Starts the control plane, and returns when the API server answers; what needs it may start then. */
export async function startControlPlane(context: StartContext, options: ControlPlaneOptions): Promise<ControlPlane> {
  const etcd = startEtcd(context, options);
  const pki = await createPki(join(context.dir, "pki"));
  const names = [
    "DNS:localhost",
    "DNS:kubernetes",
    "DNS:kubernetes.default",
    "DNS:kubernetes.default.svc",
    "IP:10.96.0.1",
  ];
  await Promise.all([
    pki.issue({
      file: "api-server",
      user: "kube-apiserver",
      names: [...names, "IP:127.0.0.1", `IP:${options.advertise}`],
    }),
    pki.issue({ file: "api-server-client", user: "kube-apiserver", group: "system:masters" }),
    pki.issue({ file: "front-proxy", user: "front-proxy" }),
    pki.issue({ file: "admin", user: "admin", group: "system:masters" }),
    pki.issue({ file: "controller-manager", user: "system:kube-controller-manager", group: "system:masters" }),
  ]);
  const apiServer = startApiServer(context, pki, options);
  const client = apiClient(pki, options.ports.api);
  context.onEnd(() => client.close());
  await waitFor(context, etcd.ended() ? etcd : apiServer, "the API server to answer", () => client.get("/livez/ping"));
  // The controller manager gives up when the API server isn't there, so that it starts only now; it is ready long before
  // the API server has written its first roles.
  const controllers = startControllerManager(context, pki, options);
  const ready = Promise.all([
    waitFor(context, apiServer, "the API server to be ready", () => client.get("/readyz")),
    waitFor(context, controllers, "the controllers to make the first service account", () =>
      client.get("/api/v1/namespaces/default/serviceaccounts/default"),
    ),
  ]);
  // Whoever starts more before awaiting it must not end with an unhandled rejection.
  ready.catch(() => undefined);
  return { pki, client, ready };
}

function startEtcd(context: StartContext, { binary, ports }: ControlPlaneOptions): Process {
  const client = `http://127.0.0.1:${ports.etcd}`;
  const peer = `http://127.0.0.1:${ports.etcdPeer}`;
  return startProcess(context, {
    name: "etcd",
    command: binary("etcd"),
    args: [
      `--data-dir=${join(context.dir, "etcd")}`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      // Its data never outlives the cluster.
      "--unsafe-no-fsync",
      // It is its own only voter.
      "--heartbeat-interval=20",
      "--election-timeout=100",
      "--log-level=warn",
    ],
  });
}

function startApiServer(context: StartContext, pki: Pki, options: ControlPlaneOptions): Process {
  mkdirSync(join(context.dir, "audit"), { recursive: true });
  const policy = join(context.dir, "audit", "policy.json");
  writeFileSync(policy, JSON.stringify(options.auditPolicy ?? auditPolicy));
  return startProcess(context, {
    name: "kube-apiserver",
    command: options.binary("kube-apiserver"),
    args: [
      `--etcd-servers=http://127.0.0.1:${options.ports.etcd}`,
      `--bind-address=${options.bind}`,
      `--secure-port=${options.ports.api}`,
      `--advertise-address=${options.advertise}`,
      `--service-cluster-ip-range=${serviceRange}`,
      `--cert-dir=${pki.file("generated")}`,
      `--tls-cert-file=${pki.file("api-server.crt")}`,
      `--tls-private-key-file=${pki.file("api-server.key")}`,
      `--client-ca-file=${pki.file("ca.crt")}`,
      "--authorization-mode=Node,RBAC",
      "--enable-admission-plugins=NodeRestriction",
      "--allow-privileged",
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-signing-key-file=${pki.file("service-account.key")}`,
      `--service-account-key-file=${pki.file("service-account.pub")}`,
      `--kubelet-client-certificate=${pki.file("api-server-client.crt")}`,
      `--kubelet-client-key=${pki.file("api-server-client.key")}`,
      // Or `kubectl logs` asks DNS for the node's name.
      "--kubelet-preferred-address-types=InternalIP",
      // What aggregated API servers, such as metrics-server, need.
      `--requestheader-client-ca-file=${pki.file("ca.crt")}`,
      "--requestheader-allowed-names=front-proxy",
      "--requestheader-extra-headers-prefix=X-Remote-Extra-",
      "--requestheader-group-headers=X-Remote-Group",
      "--requestheader-username-headers=X-Remote-User",
      `--proxy-client-cert-file=${pki.file("front-proxy.crt")}`,
      `--proxy-client-key-file=${pki.file("front-proxy.key")}`,
      `--audit-policy-file=${policy}`,
      `--audit-log-path=${options.auditLog}`,
      // What has been answered is in the log.
      "--audit-log-mode=blocking",
      "--audit-log-maxsize=2000",
    ],
  });
}

function startControllerManager(context: StartContext, pki: Pki, options: ControlPlaneOptions): Process {
  const config = pki.file("controller-manager.kubeconfig");
  const server = `https://127.0.0.1:${options.ports.api}`;
  pki.kubeconfig({ path: config, server, identity: "controller-manager" });
  return startProcess(context, {
    name: "kube-controller-manager",
    command: options.binary("kube-controller-manager"),
    args: [
      `--kubeconfig=${config}`,
      `--controllers=${["*", ...(options.withoutControllers ?? []).map((name) => `-${name}`)].join(",")}`,
      "--leader-elect=false",
      // No port of its own: what it does shows in the API server.
      "--secure-port=0",
      // One identity for all controllers: with one each, they first wait for their service accounts, for seconds.
      "--use-service-account-credentials=false",
      "--kube-api-qps=200",
      "--kube-api-burst=400",
      `--service-account-private-key-file=${pki.file("service-account.key")}`,
      `--root-ca-file=${pki.file("ca.crt")}`,
      `--cluster-signing-cert-file=${pki.file("ca.crt")}`,
      `--cluster-signing-key-file=${pki.file("ca.key")}`,
    ],
  });
}
