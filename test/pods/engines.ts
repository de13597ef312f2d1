// Managed stores as tests treat them: their images, what is done to their processes, and what they hold.
import { readdirSync, readFileSync } from "node:fs";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { chooseProvider } from "../cluster/providers.ts";
import { postgres, redis } from "../support/store-images.ts";
import { eventually } from "../support/wait.ts";
import type { Kubectl } from "./kubectl.ts";
import type { PodWorld } from "./support.ts";

const { provider } = await chooseProvider("pods");
/** Whether the processes of pods are processes of this machine. */
export const killsProcesses = provider === "node";
const [redisImage = "", redisVersion = ""] = redis.split(/:(?=[^:]*$)/);
const [postgresqlImage = "", postgresqlVersion = ""] = postgres.split(/:(?=[^:]*$)/);

export const storeImages = { redis: redisImage, postgresql: postgresqlImage };
/** Flags of an operator whose stores run the images that the tier has. */
export const storeImageFlags = ["--redis-image", redisImage, "--postgresql-image", postgresqlImage];

type Managed = {
  storage?: string;
  storageClassName?: string;
  retain?: boolean;
  version?: string;
  rotateEvery?: string;
};

export interface TestEngine {
  name: "redis" | "postgresql";
  /** `spec.taskStore`. */
  spec(managed?: Managed): SpecInput["taskStore"];
  /** Its own client's command: sets a record of the sample server's for each of so many tasks, `bulk-1` and so on. */
  fill(prefix: string, count: number): string[];
  /** The same: deletes all that is there. */
  clear: string[];
  /** The same: prints how many records there are, and a digest of all that is in them. */
  digest(prefix: string): string[];
}

const requests = { requests: { cpu: "10m", memory: "64Mi" }, limits: { memory: "256Mi" } };

// biome-ignore lint/suspicious/noTemplateCurlyInString: for the shell
const cli = ["sh", "-c", 'login=${LOGINS%% *}; REDISCLI_AUTH=${login#*:} exec redis-cli "$@"', "redis-cli"];
const psql = ["psql", "-h", "/tmp", "-U", "postgres", "-d", "tasks", "-At", "-v", "ON_ERROR_STOP=1", "-c"];
/** As the sample server writes a task that was done before it began. */
const fields = {
  kind: "pack",
  input: JSON.stringify({ items: ["tea"], startedBy: "nobody" }),
  questions: "{}",
  createdAt: "1",
  readyAt: "1",
  changedAt: "1",
};
const keyStart = (prefix: string) => `${prefix}basket:task:bulk-`;

const fillLua = `for i = 1, ARGV[2] do
  local key = ARGV[1] .. i
  redis.call("HSET", key, unpack(ARGV, 3))
  redis.call("PEXPIRE", key, 3600000)
end
return "OK"`;
const digestLua = `local keys, digest = redis.call("KEYS", ARGV[1] .. "*"), ""
table.sort(keys)
for _, key in ipairs(keys) do
  local words = redis.call("HGETALL", key)
  table.sort(words)
  digest = redis.sha1hex(digest .. key .. table.concat(words, "/"))
end
return #keys .. " " .. digest`;

/** It escapes what it gives PostgreSQL, which has no room for all characters. */
const escapedFields = Object.fromEntries(
  Object.entries(fields).map(([name, value]) => [name, JSON.stringify(value).slice(1, -1)]),
);
const quoted = (text: string) => `'${text.replaceAll("'", "''")}'`;

export const redisEngine: TestEngine = {
  name: "redis",
  spec: (managed = {}) => ({ redis: { managed: { version: redisVersion, resources: requests, ...managed } } }),
  fill: (prefix, count) => [
    ...cli,
    "eval",
    fillLua,
    "0",
    keyStart(prefix),
    `${count}`,
    ...Object.entries(fields).flat(),
  ],
  clear: [...cli, "flushall"],
  digest: (prefix) => [...cli, "eval", digestLua, "0", `${prefix}basket:task:`],
};

export const postgresqlEngine: TestEngine = {
  name: "postgresql",
  spec: (managed = {}) => ({
    postgresql: { managed: { version: postgresqlVersion, resources: requests, ...managed } },
  }),
  fill: (prefix, count) => [
    ...psql,
    `INSERT INTO mcp_task_store SELECT ${quoted(keyStart(prefix))} || i, ${quoted(JSON.stringify(escapedFields))},
     now() + interval '1 hour' FROM generate_series(1, ${count}) i`,
  ],
  clear: [...psql, "DELETE FROM mcp_task_store"],
  digest: (prefix) => [
    ...psql,
    `SELECT count(*) || ' ' || md5(string_agg(key || fields || expires_at, ',' ORDER BY key)) FROM mcp_task_store
     WHERE key LIKE ${quoted(`${prefix}basket:task:%`)}`,
  ],
};

export interface TestStore {
  /** The store's pod. */
  pod(): Promise<{ name: string; uid: string; restarts: number }>;
  /** Runs a command in it, and returns what that prints. */
  exec(command: string[]): Promise<string>;
  /** SIGKILL for the engine's process, or for the pod where its processes are out of reach. Returns when it is on its way. */
  kill(): Promise<void>;
  /** Waits until the pod is another one, or its container has begun anew, and takes calls. */
  back(since: { uid: string; restarts: number }): Promise<void>;
}

/** The managed store of a server. */
export function storeOf({ kube }: PodWorld, kubectl: Kubectl, server: string, { name: engine }: TestEngine): TestStore {
  const selector = ["-l", `anypod.dev/server=${server},anypod.dev/role=${engine}`];
  const facts =
    "{.metadata.name} {.metadata.uid} {.status.containerStatuses[0].restartCount} {.status.containerStatuses[0].ready}";
  const look = async () => {
    const text = await kubectl("get", "pods", ...selector, "-o", `jsonpath={range .items[*]}${facts}{"\\n"}{end}`);
    const [name = "", uid = "", restarts = "0", ready = ""] = text.split(" ");
    return { name, uid, restarts: Number(restarts), ready: ready === "true" };
  };
  return {
    pod: look,
    exec: async (command) => kubectl("exec", (await look()).name, "--", ...command),
    async kill() {
      const { name, uid } = await look();
      if (killsProcesses) killProcesses(uid);
      else await kubectl("delete", "pod", name, "--grace-period=0", "--force");
    },
    async back(since) {
      await eventually(
        `the store of ${server} in ${kube.namespace} is back`,
        async () => {
          const { uid, restarts, ready } = await look();
          return ready && (uid !== since.uid || restarts > since.restarts);
        },
        120,
      );
    },
  };
}

/** Kills every process of a pod of the node, which is this machine, by the ids that the kernel lists in the pod's cgroups. */
function killProcesses(podUid: string): void {
  const isOfPod = (pid: number) => {
    try {
      return readFileSync(`/proc/${pid}/cgroup`, "utf8").includes(`pod${podUid}/`);
    } catch {
      return false;
    }
  };
  const isPause = (pid: number) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "pause";
  const pids = readdirSync("/proc")
    .map(Number)
    .filter((pid) => pid > 1 && isOfPod(pid) && !isPause(pid));
  if (pids.length === 0) throw new Error(`no process of pod ${podUid} runs`);
  for (const pid of pids) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // It has ended with its parent.
    }
  }
}
