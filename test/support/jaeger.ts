// Jaeger, where traces end up and are looked at: its image, the objects that run it, and its answers.
import type { Client } from "../../operator/kube/client.ts";
import { loadProgram } from "../cluster/addons/programs.ts";
import type { Cluster } from "../cluster/index.ts";
import { eventually } from "./wait.ts";

/** Named after the release that test/cluster/binaries has. */
const image = "localhost/jaeger:1.76.0";
const name = "jaeger";
const ports = { grpc: 4317, http: 4318, query: 16686 };

export async function loadJaegerImage(cluster: Cluster, log: (line: string) => void): Promise<void> {
  const loaded = await loadProgram(cluster, "jaeger", { log });
  if (loaded !== image) throw new Error(`Jaeger's image is ${loaded}: correct its name in ${import.meta.url}`);
}

/** Jaeger and its Service, as pod security `restricted` has it. It takes OTLP at ports 4317 (gRPC) and 4318 (HTTP). */
export const jaegerObjects = [
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name, labels: { app: name } },
    spec: {
      automountServiceAccountToken: false,
      terminationGracePeriodSeconds: 1,
      securityContext: { runAsNonRoot: true, runAsUser: 10001, seccompProfile: { type: "RuntimeDefault" } },
      containers: [
        {
          name,
          image,
          args: [
            `--collector.otlp.grpc.host-port=0.0.0.0:${ports.grpc}`,
            `--collector.otlp.http.host-port=0.0.0.0:${ports.http}`,
            `--query.http-server.host-port=0.0.0.0:${ports.query}`,
          ],
          ports: Object.entries(ports).map(([port, containerPort]) => ({ name: port, containerPort })),
          readinessProbe: { httpGet: { path: "/", port: "query" }, periodSeconds: 1 },
          securityContext: { allowPrivilegeEscalation: false, capabilities: { drop: ["ALL"] } },
        },
      ],
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name },
    spec: {
      selector: { app: name },
      ports: Object.entries(ports).map(([port, number]) => ({ name: port, port: number, targetPort: port })),
    },
  },
];

export interface TraceSpan {
  id: string;
  name: string;
  /** Its parent's id; undefined for the first of a trace. */
  parent: string | undefined;
  /** Spans that it refers to, also of other traces. */
  links: { traceId: string; id: string }[];
  /** `service.name`. */
  service: string;
  tags: Record<string, unknown>;
  /** Of what sent it, such as `k8s.pod.name`. */
  resource: Record<string, unknown>;
}

type Tag = { key: string; value: unknown };
interface Answer {
  data: {
    spans: {
      spanID: string;
      operationName: string;
      references: { refType: "CHILD_OF" | "FOLLOWS_FROM"; traceID: string; spanID: string }[];
      tags: Tag[];
      processID: string;
    }[];
    processes: Record<string, { serviceName: string; tags?: Tag[] }>;
  }[];
}

const fields = (tags: Tag[] = []) => Object.fromEntries(tags.map(({ key, value }) => [key, value]));

/** All spans of a trace, once `isWhole` says that none is missing: those who send them take their time. */
export async function traceOf(
  { client, namespace }: { client: Client; namespace: string },
  traceId: string,
  isWhole: (spans: TraceSpan[]) => boolean,
): Promise<TraceSpan[]> {
  const path = `/api/v1/namespaces/${namespace}/services/${name}:query/proxy/api/traces/${traceId}`;
  return eventually(
    `trace ${traceId} is whole`,
    async () => {
      const { data } = await client.json<Answer>({ path });
      const spans = data.flatMap(spansIn);
      if (isWhole(spans)) return spans;
      throw new Error(JSON.stringify(spans.map(({ service, name: span, parent }) => [service, span, parent])));
    },
    60,
  );
}

const spansIn = ({ spans, processes }: Answer["data"][number]): TraceSpan[] =>
  spans.map(({ spanID, operationName, references, tags, processID }) => ({
    id: spanID,
    name: operationName,
    parent: references.find(({ refType }) => refType === "CHILD_OF")?.spanID,
    links: references
      .filter(({ refType }) => refType === "FOLLOWS_FROM")
      .map((link) => ({ traceId: link.traceID, id: link.spanID })),
    service: processes[processID]?.serviceName ?? "",
    tags: fields(tags),
    resource: fields(processes[processID]?.tags),
  }));
