// `anypod run`: the caches, the queue and the workers, put together.
import type { Config } from "../config.ts";
import { createClient, loadKubeConfig } from "../kube/client.ts";
import { runController } from "../kube/controller.ts";
import { createQueue } from "../kube/queue.ts";
import { createLog, errorFields } from "../telemetry/log.ts";
import { startCaches } from "./caches.ts";
import { createContents } from "./contents.ts";
import { reconcile } from "./reconcile.ts";

const backoff = { initial: 200, max: 120_000 };

/** Runs until SIGTERM or SIGINT; returns the exit code. */
export async function run(config: Config): Promise<number> {
  const log = createLog(config.logLevel);
  const client = createClient(loadKubeConfig(config.kubeconfig));
  const stop = new AbortController();
  const queue = createQueue(backoff);
  const end = () => {
    stop.abort();
    queue.close();
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, end);

  log.info({ namespaces: config.namespaces }, "starting");
  const caches = startCaches({
    client,
    namespaces: config.namespaces,
    changed: queue.add,
    failed: (kind, error) => log.warn({ kind, ...errorFields(error) }, "watch failed, will be tried again"),
    signal: stop.signal,
  });
  const stopped = new Promise((resolve) => stop.signal.addEventListener("abort", resolve, { once: true }));
  await Promise.race([caches.synced, stopped]);
  if (!stop.signal.aborted) log.info({ servers: caches.serverKeys().length }, "caches synced");

  const context = { client, caches, contents: createContents(client), now: Date.now };
  await runController({
    queue,
    workers: config.workers,
    reconcile: (key) => reconcile(key, context),
    failed: (key, error) => log.warn({ server: key, ...errorFields(error) }, "reconcile failed, will be tried again"),
  });
  await client.close();
  log.info("stopped");
  return 0;
}
