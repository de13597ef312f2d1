// `npm run cluster`: starts a cluster that stays until `npm run cluster -- down`.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { addons } from "./addons/index.ts";
import { endCluster } from "./end.ts";
import { attachCluster, type Cluster, startCluster } from "./index.ts";
import { ask, clusterDir, clusterNames } from "./state.ts";
import { messageOf } from "./wait.ts";

const help = `Usage: npm run cluster [-- COMMAND] [OPTIONS]

A real Kubernetes for tests and for trying things.

Commands
  up       start a cluster; it stays until "down" (this is what happens without a command)
  down     end it; nothing of it stays behind
  status   tell what runs

Options
  --control-plane   only etcd, the API server and the controllers: no pods run, but it starts within seconds
  --name NAME       the cluster's name, for several at once ("default" unless told)
  --add NAME        install something into it, which may run already: ${Object.keys(addons).join(", ")};
                    may be said several times
  --help

Environment
  ANYPOD_CLUSTER    existing: use the cluster of KUBECONFIG
                    k3s: K3s in Docker (what happens when a Docker daemon answers)
                    node: a node of our own (what happens otherwise; needs Linux, root and Go)
  ANYPOD_LOAD_IMAGE for an existing cluster: the command that loads an image archive, such as "kind load image-archive"
`;

const log = (line: string) => console.log(line);

process.exitCode = await main().catch((error: unknown) => {
  console.error(`error: ${messageOf(error)}`);
  return 1;
});

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      "control-plane": { type: "boolean", default: false },
      name: { type: "string", default: "default" },
      add: { type: "string", multiple: true, default: [] },
      help: { type: "boolean", default: false },
    },
  });
  const [command = "up", ...rest] = positionals;
  if (values.help) {
    log(help);
    return 0;
  }
  if (rest.length > 0) throw new Error(`too many arguments: ${rest.join(" ")}; see --help`);
  const unknown = values.add.filter((name) => !(name in addons));
  if (unknown.length > 0) throw new Error(`nothing is known under the name ${unknown.join(", ")}; see --help`);
  if (command === "up") return up(values.name, values["control-plane"], values.add);
  if (command === "down") return down(values.name);
  if (command === "status") return status();
  throw new Error(`there is no command "${command}": use up, down or status; see --help`);
}

async function up(name: string, controlPlane: boolean, add: string[]): Promise<number> {
  const running = await attachCluster(name);
  if (running) {
    if (!controlPlane && running.provider === "control-plane")
      throw new Error(`the cluster "${name}" runs, but without pods: end it first with ${commandLine("down", name)}`);
    log(`the cluster "${name}" already runs (${running.provider})`);
    await install(running, add);
    log(usage(running));
    return 0;
  }
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (!interrupted.signal.aborted) log("ending what has been started …");
      interrupted.abort();
    });
  }
  const started = Date.now();
  try {
    const mode = controlPlane ? "control-plane" : "pods";
    const cluster = await startCluster({ mode, name, keep: true, log, signal: interrupted.signal });
    log(`ready after ${((Date.now() - started) / 1000).toFixed(1)} s`);
    await install(cluster, add, interrupted.signal);
    log(usage(cluster));
    return 0;
  } catch (error) {
    if (!interrupted.signal.aborted) throw error;
    log("ended: nothing is left of it");
    return 130;
  }
}

async function install(cluster: Cluster, add: string[], signal?: AbortSignal): Promise<void> {
  for (const name of add) {
    const started = Date.now();
    await addons[name]?.(cluster, { log, ...(signal && { signal }) });
    log(`${name} is there after ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
}

async function down(name: string): Promise<number> {
  const known = existsSync(clusterDir(name));
  await endCluster(name);
  log(known ? `the cluster "${name}" has ended: nothing is left of it` : `no cluster "${name}" runs`);
  return 0;
}

async function status(): Promise<number> {
  const names = clusterNames();
  for (const name of names) {
    const reply = await ask(name, { do: "status" });
    if (!reply) log(`${name}: was killed; ${commandLine("down", name)} removes what it left`);
    else if (!reply.facts) log(`${name}: starting (process ${reply.pid})`);
    else log(`${name}: runs (${reply.facts.provider}, process ${reply.pid}), KUBECONFIG=${reply.facts.kubeconfig}`);
  }
  if (names.length === 0) log("no cluster runs");
  return 0;
}

function usage({ name, provider, kubeconfig, kubectl }: Cluster): string {
  const lines = ["", `  export KUBECONFIG=${kubeconfig}`, `  ${kubectl} get namespaces`];
  if (provider !== "existing") lines.push(`  ${commandLine("down", name)}`);
  return `${lines.join("\n")}\n`;
}

function commandLine(command: string, name: string): string {
  return `npm run cluster -- ${command}${name === "default" ? "" : ` --name ${name}`}`;
}
