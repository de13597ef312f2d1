// The process that a cluster lives and dies with. It has a session of its own, so that a Ctrl-C for its starter doesn't hit
// it; it notices when its starter is gone (the channel between them closes, even after SIGKILL) and then ends the cluster,
// unless it was told to keep it.
import type { StartContext } from "./processes.ts";
import { type Provider, type ProviderChoice, providers } from "./providers.ts";
import { answerRequests, type ClusterFacts, clusterDir, type Reply, type Request, removeClusterDir } from "./state.ts";
import { messageOf } from "./wait.ts";

export interface SupervisorOptions {
  name: string;
  choice: ProviderChoice;
}

/** What the supervisor tells its starter. */
export type News = { listening: true } | { log: string } | { ready: ClusterFacts } | { failed: string };

const { name, choice }: SupervisorOptions = JSON.parse(process.argv[2] ?? "");
const abort = new AbortController();
const cleanups: (() => Promise<void> | void)[] = [];
let kept = false;
let facts: ClusterFacts | undefined;
let running: Provider | undefined;
let starting = Promise.resolve();
let ending: Promise<void> | undefined;

const context: StartContext = {
  name,
  dir: clusterDir(name),
  log: (line) => tell({ log: line }),
  signal: abort.signal,
  onEnd: (cleanup) => cleanups.push(cleanup),
};

process.on("message", (message) => {
  if (message !== "keep") return;
  kept = true;
  process.disconnect?.();
});
process.on("disconnect", () => {
  if (!kept) void end("its starter is gone");
});
process.on("uncaughtException", (error) => {
  console.error(error);
  void end(`an error in the supervisor: ${error.message}`);
});
for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => void end(signal));

await answerRequests(name, answer);
tell({ listening: true });
// The starter may have died before this process could listen for it.
if (process.connected) starting = start();
else await end("its starter is gone");

async function start(): Promise<void> {
  try {
    running = await providers[choice.provider](context);
    facts = { name, ...choice, ...running.facts };
    tell({ ready: facts });
  } catch (error) {
    if (!ending) tell({ failed: messageOf(error) });
    void end("it could not start");
  }
}

async function answer(request: Request): Promise<Reply> {
  // No reply to "stop": the connection closes when this process is gone.
  if (request.do === "stop") await end("asked to stop");
  const pid = process.pid;
  if (!facts || !running) return { pid };
  if (request.do === "load") await running.loadImage(request.archive);
  if (request.do === "restart-node") await restartNode(running);
  return { pid, facts };
}

async function restartNode({ restartNode }: Provider): Promise<void> {
  if (!restartNode) throw new Error("only a node of our own can be restarted");
  await restartNode();
}

function end(why: string): Promise<never> {
  ending ??= cleanUp(why);
  return ending.then(() => process.exit());
}

async function cleanUp(why: string): Promise<void> {
  console.error(`ending: ${why}`);
  abort.abort(new Error(`the cluster "${name}" is ending: ${why}`));
  await starting;
  for (const cleanup of cleanups.reverse()) {
    try {
      await cleanup();
    } catch (error) {
      console.error(`clean-up: ${messageOf(error)}`);
    }
  }
  removeClusterDir(name);
}

function tell(news: News): void {
  console.error("log" in news ? news.log : JSON.stringify(news));
  // The starter may be gone: its end is noticed elsewhere.
  if (process.connected) process.send?.(news, undefined, undefined, () => undefined);
}
