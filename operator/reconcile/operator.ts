// `anypod run`: client, caches, queue, workers, election and endpoints, put together.
import { randomUUID } from "node:crypto";
import type { Server } from "node:http";
import { hostname } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import type { Config } from "../config.ts";
import { officialImages } from "../desired/images.ts";
import { createClient, loadKubeConfig } from "../kube/client.ts";
import { runController } from "../kube/controller.ts";
import { startDiscovery } from "../kube/discovery.ts";
import { isNotFound } from "../kube/errors.ts";
import { createRecorder } from "../kube/events.ts";
import { campaign, type Leadership } from "../kube/leader.ts";
import { createQueue, type Queue } from "../kube/queue.ts";
import { createAnswers } from "../probe/answers.ts";
import { createLog, errorFields, followLevel, type Logger } from "../telemetry/log.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics.ts";
import { probe, serve } from "../telemetry/serve.ts";
import { serverMetricsText, type ToldServer } from "../telemetry/server-metrics.ts";
import { openTracing } from "../telemetry/trace.ts";
import { type Caches, startCaches } from "./caches.ts";
import { createContention } from "./contention.ts";
import { createContents } from "./contents.ts";
import { tellOfKept } from "./kept.ts";
import { mcpServers } from "./kinds.ts";
import type { ObservedServer } from "./observed.ts";
import { reconcile } from "./reconcile.ts";
import { createReport } from "./report.ts";
import { createWaited } from "./waited.ts";

const backoff = { initial: 200, max: 120_000 };
/** What is under way when the operator is told to stop gets so many milliseconds before the lease goes to the next. */
const finishWithin = 1000;

/** Without an election this process is the only one, and leads from the start. */
const alone: Leadership = {
  acquired: Promise.resolve(),
  lost: new Promise(() => {}),
  mayWrite: () => true,
  released: Promise.resolve(),
};

/** Servers by condition and its status, as `Ready=True`. */
function serverCounts(caches: Caches): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { status } of caches.servers())
    for (const { type, status: value } of status.conditions ?? []) {
      const key = `${type}=${value}`;
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  return counts;
}

/** Each server that isn't on its way out, as its status has it. */
function* toldServers(caches: Caches): Iterable<ToldServer> {
  for (const { metadata, status } of caches.servers()) {
    const { namespace, name, deletionTimestamp } = metadata;
    const { conditions = [], pools = [] } = status;
    if (deletionTimestamp === undefined) yield { namespace, name, conditions, pools };
  }
}

interface Endpoints {
  config: Config;
  metrics: Metrics;
  /** None while another process leads: one is enough to tell of them. */
  told: () => Iterable<ToldServer>;
  isReady: () => boolean;
  log: Logger;
}

async function serveEndpoints({ config, metrics, told, isReady, log }: Endpoints): Promise<() => void> {
  const { registry } = metrics;
  const scrape = async () => ({
    status: 200,
    type: registry.contentType,
    body: (await registry.metrics()) + serverMetricsText(told),
  });
  const wanted = [
    { what: "metrics", address: config.metricsAddress, routes: { "/metrics": scrape } },
    {
      what: "health",
      address: config.healthAddress,
      routes: { "/healthz": probe(() => true), "/readyz": probe(isReady) },
    },
  ];
  const servers: Server[] = [];
  for (const { what, address, routes } of wanted) {
    if (address === undefined) continue;
    const served = await serve(address, routes);
    log.info({ what, address: served.address }, "serving");
    servers.push(served.server);
  }
  return () => {
    for (const server of servers) server.close().closeAllConnections();
  };
}

/** A watch that broke is worth a line; that McpServer isn't installed, the words that help. */
function watchFailed(log: Logger): (kind: string, error: unknown) => void {
  return (kind, error) => {
    if (kind === mcpServers.kind && isNotFound(error))
      log.warn("McpServer is not installed: apply crds/ (or install the chart anypod-crds); waiting for it");
    else log.warn({ kind, ...errorFields(error) }, "watch failed, will be tried again");
  };
}

/** Says a thing once for each kind. */
function once(tell: (kind: string) => void): (kind: string) => void {
  const told = new Set<string>();
  return (kind) => {
    if (!told.has(kind)) tell(kind);
    told.add(kind);
  };
}

/** Whose reconcile a span is. */
function keyAttributes(key: string): Record<string, string> {
  const [namespace = "", name = ""] = key.split("/");
  return { "k8s.namespace.name": namespace, "anypod.server": name };
}

interface Running {
  queue: Queue;
  work: Promise<void>;
  leadership: Leadership;
  stopping: AbortSignal;
  endCandidacy: () => void;
}

/** Waits for the end, however it comes; returns the exit code. */
async function untilEnd({ queue, work, leadership, stopping, endCandidacy }: Running): Promise<number> {
  const stopped = new Promise<"stopped">((resolve) => {
    stopping.addEventListener("abort", () => resolve("stopped"), { once: true });
    if (stopping.aborted) resolve("stopped");
  });
  const end = await Promise.race([stopped, leadership.lost.then(() => "lost" as const)]);
  queue.close();
  if (end === "lost") return 1;
  await Promise.race([work, delay(finishWithin, undefined, { ref: false })]);
  endCandidacy();
  await leadership.released;
  return 0;
}

/** Runs until SIGTERM or SIGINT, or until the lease is lost; returns the exit code. */
export async function run(config: Config): Promise<number> {
  const instance = process.env.POD_NAME ?? hostname();
  const tracing = await openTracing(instance, () => log);
  const log: Logger = createLog(config.logLevel, tracing.fields);
  if (config.logLevelFile !== undefined) followLevel(log, config.logLevelFile);
  const kubeConfig = loadKubeConfig(config.kubeconfig);
  const stop = new AbortController();
  const candidacy = new AbortController();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stop.abort());

  const queue = createQueue(backoff);
  let counts = () => new Map<string, number>();
  let servers: () => Iterable<ToldServer> = () => [];
  let told: (server: ObservedServer) => void = () => {};
  const metrics = createMetrics({
    workers: config.workers,
    queueLength: () => queue.length,
    serverCounts: () => counts(),
  });
  const observe = metrics.observeRequest;
  const leaseClient = createClient(kubeConfig, { observe });
  const leadership =
    config.leaderElection === undefined
      ? alone
      : campaign({
          client: leaseClient,
          namespace: config.leaderElection,
          name: "anypod",
          identity: `${instance}_${randomUUID()}`,
          signal: candidacy.signal,
          failed: (error) => log.warn(errorFields(error), "lease not taken or renewed, will be tried again"),
        });
  const client = createClient(kubeConfig, { observe, trace: tracing.request, mayWrite: leadership.mayWrite });

  log.info({ namespaces: config.namespaces, selector: config.selector }, "starting");
  const caches = startCaches({
    client,
    discovery: startDiscovery(client, stop.signal),
    namespaces: config.namespaces,
    selector: config.selector,
    changed: queue.add,
    gone: (server) => told(server),
    failed: watchFailed(log),
    unseen: once((kind) => log.info({ kind }, "no right to list this kind: servers that need it will say so")),
    signal: stop.signal,
  });
  counts = () => serverCounts(caches);
  let ready = false;
  const closeEndpoints = await serveEndpoints({
    config,
    metrics,
    told: () => servers(),
    isReady: () => ready,
    log,
  });
  const synced = caches.synced.then(() => {
    ready = true;
    log.info({ servers: [...caches.servers()].length }, "caches synced");
  });

  const lead = Promise.all([synced, leadership.acquired]).then(() => {
    metrics.leads(true);
    servers = () => toldServers(caches);
    log.info("leading");
    const now = Date.now;
    const record = createRecorder({
      client,
      controller: "anypod.dev/operator",
      instance,
      failed: (error) => log.debug(errorFields(error), "event not written"),
    });
    const report = createReport({ client, caches, record, now, settled: metrics.settled });
    told = (server) =>
      void tellOfKept(server, { client, record }).catch((error) => log.debug(errorFields(error), "event not written"));
    const context = {
      client,
      caches,
      contents: createContents(client),
      contention: createContention(now),
      waited: createWaited(now),
      images: { ...officialImages, ...config.images },
      prometheusUrl: config.prometheusUrl,
      answers: config.probe ? createAnswers(now) : undefined,
      wake: queue.add,
      span: tracing.span,
      report,
      now,
    };
    return runController({
      queue,
      workers: config.workers,
      metrics: metrics.controller,
      reconcile: (key, failures) =>
        tracing.span("reconcile", { ...keyAttributes(key), "anypod.failures": failures }, () =>
          reconcile(key, { ...context, failures }),
        ),
      failed: (key, error) => log.warn({ server: key, ...errorFields(error) }, "reconcile failed, will be tried again"),
    });
  });
  const code = await untilEnd({
    queue,
    work: lead,
    leadership,
    stopping: stop.signal,
    endCandidacy: () => candidacy.abort(),
  });
  if (code !== 0) log.error("the lease could not be renewed in time: ending, so that another process can lead");
  stop.abort();
  candidacy.abort();
  closeEndpoints();
  await Promise.all([client.close(), leaseClient.close(), tracing.stop()]);
  log.info("stopped");
  return code;
}
