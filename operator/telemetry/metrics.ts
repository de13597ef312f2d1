// Metrics, under the names that dashboards of Kubernetes controllers know, and anypod's own; docs/metrics.md lists them.
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import type { RequestObserver } from "../kube/client.ts";
import type { ControllerMetrics } from "../kube/controller.ts";

/** What the servers are like at the moment of a scrape: how many have each condition in each status. */
export type ServerCounts = () => Map<string, number>;

export interface Metrics {
  registry: Registry;
  controller: ControllerMetrics;
  observeRequest: RequestObserver;
  /** A server came to what its spec says, so many seconds after it was written. */
  settled(seconds: number): void;
  leads(isLeader: boolean): void;
}

const controllerName = "mcpserver";
const seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export interface MetricsOptions {
  workers: number;
  queueLength: () => number;
  serverCounts: ServerCounts;
}

export function createMetrics({ workers, queueLength, serverCounts }: MetricsOptions): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const reconciles = new Counter({
    name: "controller_runtime_reconcile_total",
    help: "Reconciles by result: success, error or requeue_after.",
    labelNames: ["controller", "result"],
    registers,
  });
  const reconcileSeconds = new Histogram({
    name: "controller_runtime_reconcile_time_seconds",
    help: "Length of a reconcile.",
    labelNames: ["controller"],
    buckets: seconds,
    registers,
  });
  const active = new Gauge({
    name: "controller_runtime_active_workers",
    help: "Workers that are at a reconcile.",
    labelNames: ["controller"],
    registers,
  });
  new Gauge({
    name: "controller_runtime_max_concurrent_reconciles",
    help: "Workers that there are.",
    labelNames: ["controller"],
    registers,
  }).set({ controller: controllerName }, workers);
  new Gauge({
    name: "workqueue_depth",
    help: "Servers that wait for a worker.",
    labelNames: ["name"],
    registers,
    collect() {
      this.set({ name: controllerName }, queueLength());
    },
  });
  const queueSeconds = new Histogram({
    name: "workqueue_queue_duration_seconds",
    help: "How long a server waited for a worker.",
    labelNames: ["name"],
    buckets: seconds,
    registers,
  });
  const retries = new Counter({
    name: "workqueue_retries_total",
    help: "Reconciles that are tried again after a failure.",
    labelNames: ["name"],
    registers,
  });
  const requests = new Counter({
    name: "rest_client_requests_total",
    help: "Requests to the API server by status code; <error> is a broken connection.",
    labelNames: ["code", "method"],
    registers,
  });
  const requestSeconds = new Histogram({
    name: "rest_client_request_duration_seconds",
    help: "Time from a request to its answer's head.",
    labelNames: ["verb"],
    buckets: seconds,
    registers,
  });
  const master = new Gauge({
    name: "leader_election_master_status",
    help: "1 when this process leads.",
    labelNames: ["name"],
    registers,
  });
  const settledSeconds = new Histogram({
    name: "anypod_server_settle_seconds",
    help: "Time from a server's spec being written to Ready.",
    buckets: [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800],
    registers,
  });
  new Gauge({
    name: "anypod_servers",
    help: "Servers by condition and its status.",
    labelNames: ["condition", "status"],
    registers,
    collect() {
      this.reset();
      for (const [key, count] of serverCounts()) {
        const [condition = "", status = ""] = key.split("=");
        this.set({ condition, status }, count);
      }
    },
  });

  return {
    registry,
    controller: {
      began: (waited) => {
        active.inc({ controller: controllerName });
        queueSeconds.observe({ name: controllerName }, waited);
      },
      ended: (result, took) => {
        active.dec({ controller: controllerName });
        reconciles.inc({ controller: controllerName, result });
        reconcileSeconds.observe({ controller: controllerName }, took);
        if (result === "error") retries.inc({ name: controllerName });
      },
    },
    observeRequest: (method, code, took) => {
      requests.inc({ method, code });
      requestSeconds.observe({ verb: method }, took);
    },
    settled: (took) => settledSeconds.observe(took),
    leads: (isLeader) => master.set({ name: "anypod" }, isLeader ? 1 : 0),
  };
}
