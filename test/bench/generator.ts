// Requests as fast as they are answered: wrk, inside the node's own network, so that nothing but the way is paid for.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import type { Bench } from "./bench.ts";

export interface Request {
  path: string;
  headers: Record<string, string>;
  body: string;
}

export interface Answered {
  count: number;
  /** Those without an answer, or with one that isn't 200. */
  failed: number;
  seconds: number;
  /** Milliseconds. */
  p50: number;
  p99: number;
}

const connections = 16;
const run = promisify(execFile);

/** A text of Lua's: JSON's quoting is the same for all that is sent here. */
const lua = (text: string) => JSON.stringify(text);
const luaTable = (values: Record<string, string>) =>
  `{${Object.entries(values)
    .map(([key, value]) => `[${lua(key)}] = ${lua(value)}`)
    .join(", ")}}`;

/**
 * Sends the requests as many clients would, in an order that is random and the same each time, and ends with a line of
 * numbers. In turns, each would go to another pod than the one before, and none would find its pod awake.
 */
const script = (requests: Request[]) => `
local all = {}
function init()
${requests.map(({ path, headers, body }) => `  all[#all + 1] = wrk.format("POST", ${lua(path)}, ${luaTable(headers)}, ${lua(body)})`).join("\n")}
end
math.randomseed(1)
function request()
  return all[math.random(#all)]
end
function done(summary, latency)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  local times = string.format("%d %d %d", summary.duration, latency:percentile(50), latency:percentile(99))
  print(string.format("RESULT %d %d %s", summary.requests, failed, times))
end
`;

/** wrk's numbers, and what time(1) would say of its CPU: the children's share of this process. */
function answeredOf(output: string): Answered {
  const numbers = /^RESULT (.*)$/m.exec(output)?.[1]?.split(" ").map(Number);
  if (!numbers) throw new Error(`wrk told no result:\n${output}`);
  const [count = 0, failed = 0, duration = 0, p50 = 0, p99 = 0] = numbers;
  return { count, failed, seconds: duration / 1e6, p50: p50 / 1000, p99: p99 / 1000 };
}

/** Sends requests to port 80 of an address for so long; tells what came of it, and the generator's CPU seconds. */
export async function generate(
  { plane }: Pick<Bench, "plane">,
  { address, requests, seconds }: { address: string; requests: Request[]; seconds: number },
): Promise<Answered & { cpu: number }> {
  const folder = mkdtempSync(join(tmpdir(), "anypod-wrk-"));
  const file = join(folder, "requests.lua");
  writeFileSync(file, script(requests));
  const inside = ["--net", "--target", String(plane["API server"])];
  const how = ["--threads=1", `--connections=${connections}`, `--duration=${seconds}s`, `--script=${file}`];
  try {
    const timed = ["sh", "-c", '"$@"; times', "sh", "wrk", ...how, `http://${address}:80`];
    const { stdout } = await run("nsenter", [...inside, ...timed]);
    return { ...answeredOf(stdout), cpu: cpuOf(stdout) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The last line of the shell's `times`: user and system time of what it has run, such as "0m1.25s 0m2.500s". */
function cpuOf(output: string): number {
  const times = output.trimEnd().split("\n").at(-1) ?? "";
  return [...times.matchAll(/(\d+)m([\d.]+)s/g)].reduce((sum, [, m, s]) => sum + Number(m) * 60 + Number(s), 0);
}
