// The driver, as a pod: calls servers through their Services as any client inside the cluster does. Reached through the API
// server, which works on every cluster.

import type { Client } from "../../operator/kube/client.ts";
import { isConflict } from "../../operator/kube/errors.ts";
import type { ConformanceResult } from "../driver/conformance.ts";
import type { Answer, Sendable } from "../driver/send.ts";
import type { Tally } from "../driver/tally.ts";
import type { TaskCall, TaskEnded } from "../driver/task.ts";
import type { Traceable, Traced } from "../driver/traced.ts";
import type { Walkable } from "../driver/walk.ts";
import type { Exchange } from "../driver/watched.ts";
import { driver as image } from "./images.ts";
import { eventually } from "./wait.ts";

const name = "driver";
const port = 9000;

/** Where `via` is given, that address is called, whatever the address of the URL's host: so a gateway is called by a hostname. */
export interface Driver {
  calls(url: string, count: number, via?: string): Promise<Tally>;
  question(url: string, via?: string): Promise<{ askedBy: string; answeredBy: string; tries: number }>;
  startLoad(url: string, workers?: number, via?: string): Promise<void>;
  load(): Promise<Tally>;
  stopLoad(): Promise<Tally & { byKind: Record<string, unknown> }>;
  conformance(upstreams: string[], path?: string, scenario?: string): Promise<ConformanceResult>;
  /** One HTTP request exactly as told. */
  send(request: Sendable): Promise<Answer>;
  /** Many of them at once. */
  sendAll(requests: Sendable[]): Promise<Answer[]>;
  /** The official client, step by step, and who answered. */
  walk(what: Walkable): Promise<Exchange[]>;
  /** The official Tasks client: a call to its end. */
  task(call: TaskCall): Promise<TaskEnded>;
  /** A client with spans of its own goes through a flow in one trace. */
  traced(what: Traceable): Promise<Traced>;
}

const pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name },
  spec: {
    automountServiceAccountToken: false,
    terminationGracePeriodSeconds: 1,
    securityContext: { runAsNonRoot: true, runAsUser: 65532, seccompProfile: { type: "RuntimeDefault" } },
    containers: [
      {
        name,
        image,
        env: [{ name: "TMPDIR", value: "/tmp" }],
        ports: [{ containerPort: port }],
        readinessProbe: { httpGet: { path: "/healthz", port }, periodSeconds: 1 },
        securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
      },
    ],
  },
};

/** Runs the driver in a namespace and waits until it can be asked. */
export async function startDriver(client: Client, namespace: string): Promise<Driver> {
  const pods = `/api/v1/namespaces/${namespace}/pods`;
  await client.json({ method: "POST", path: pods, body: pod }).catch((error) => {
    if (!isConflict(error)) throw error;
  });
  await eventually(
    "the driver is ready",
    async () => {
      const { status } = await client.json<{ status: { conditions?: { type: string; status: string }[] } }>({
        path: `${pods}/${name}`,
      });
      return status.conditions?.some((condition) => condition.type === "Ready" && condition.status === "True");
    },
    120,
  );
  const pathOf = (path: string) => `${pods}/${name}:${port}/proxy${path}`;
  const ask = <T>(method: "GET" | "POST", path: string, query: Record<string, string | number | undefined> = {}) =>
    client.json<T>({ method, path: pathOf(path), query, timeout: 300_000 });
  const post = <T>(path: string, body: object, timeout = 300_000) =>
    client.json<T>({ method: "POST", path: pathOf(path), body, timeout });
  return {
    calls: (url, n, via) => ask("GET", "/calls", { url, n, via }),
    question: (url, via) => ask("GET", "/question", { url, via }),
    startLoad: async (url, workers, via) => void (await ask("POST", "/load/start", { url, workers, via })),
    load: () => ask("GET", "/load"),
    stopLoad: () => ask("POST", "/load/stop"),
    conformance: (upstreams, path, scenario) =>
      ask("GET", "/conformance", { upstreams: upstreams.join(","), path, scenario }),
    send: (request) => post("/send", request, (request.timeout ?? 30_000) + 270_000),
    sendAll: (requests) => post("/send-all", requests),
    walk: (what) => post("/walk", what),
    task: (call) => post("/task", call),
    traced: (what) => post("/traced", what),
  };
}

/** Where a server's Service is, by address, so that no DNS is needed. */
export async function serviceAddress(client: Client, namespace: string, service: string): Promise<string> {
  const { spec } = await client.json<{ spec: { clusterIP: string; ports: { port: number }[] } }>({
    path: `/api/v1/namespaces/${namespace}/services/${service}`,
  });
  return `${spec.clusterIP}:${spec.ports[0]?.port}`;
}
