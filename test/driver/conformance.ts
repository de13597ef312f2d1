// The official conformance suite against one or many upstreams: the suite insists on a localhost URL, the proxy gives it one.
import { spawn } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rotate, startProxy, type Upstream } from "./round-robin.ts";

export interface ScenarioResult {
  readonly name: string;
  readonly passed: boolean;
  readonly failures: string[];
  readonly warnings: string[];
}

export interface ConformanceResult {
  /** Of the scenarios that the revision requires, or of the one that was asked for. */
  readonly passed: number;
  readonly total: number;
  readonly scenarios: ScenarioResult[];
  readonly output: string;
}

interface Check {
  readonly id: string;
  readonly status: string;
  readonly errorMessage?: string;
}

const REVISION = "2026-07-28";

/**
 * Runs the scenarios that 2026-07-28 requires, or `scenario` alone (also one of an extension), spread over `upstreams` in
 * strict rotation. The suite is the file CONFORMANCE_CLI, or the installed package.
 */
export async function runConformance(
  upstreams: readonly Upstream[],
  path: string,
  scenario?: string,
): Promise<ConformanceResult> {
  await using proxy = await startProxy(rotate(upstreams));
  const folder = await mkdtemp(join(tmpdir(), "conformance-"));
  try {
    // By this name, so that a gateway with a route for it can be an upstream.
    const url = `http://localhost:${proxy.port}${path}`;
    const which = scenario
      ? ["--scenario", scenario, "--spec-version", REVISION, "--force"]
      : ["--requirements", REVISION];
    const output = await runCli(["server", "--url", url, "-o", folder, ...which]);
    const scenarios = await readResults(folder);
    const required = scenario ? scenarios.map(({ name }) => name) : await listRequired();
    const scored = required.map((name) => scenarios.find((result) => result.name === name) ?? notRun(name));
    return { passed: scored.filter(({ passed }) => passed).length, total: scored.length, scenarios: scored, output };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const notRun = (name: string): ScenarioResult => ({ name, passed: false, failures: ["did not run"], warnings: [] });

/** The server scenarios that the revision requires, as the suite itself lists them. */
async function listRequired(): Promise<string[]> {
  const text = await runCli(["list", "--requirements", REVISION]);
  const [, server = ""] = /Server scenarios[^\n]*\n([\s\S]*?)(?:\n\n|$)/.exec(text) ?? [];
  const names = [...server.matchAll(/^ {2}- (\S+)/gm)].map(([, name]) => name ?? "");
  if (names.length === 0) throw new Error(`the conformance suite did not list its scenarios: ${text}`);
  return names;
}

// One folder a scenario: server-<scenario>-<time>/checks.json.
async function readResults(folder: string): Promise<ScenarioResult[]> {
  const results = (await readdir(folder)).map(async (entry) => {
    const checks = JSON.parse(await readFile(join(folder, entry, "checks.json"), "utf8")) as Check[];
    const name = entry.replace(/^server-/, "").replace(/-\d{4}-\d{2}-\d{2}T[\d-]+Z$/, "");
    const having = (status: string) =>
      checks.filter((check) => check.status === status).map(({ id, errorMessage }) => `${id}: ${errorMessage ?? ""}`);
    const failures = having("FAILURE");
    const passed = failures.length === 0 && checks.some(({ status }) => status === "SUCCESS");
    return { name, passed, failures, warnings: having("WARNING") };
  });
  return Promise.all(results);
}

// In an image the suite is one bundled file, with its requirements/ beside the folder that it is in, as in the package.
const installed = "../../node_modules/@modelcontextprotocol/conformance/dist/index.js";

function cliFile(): string {
  return process.env.CONFORMANCE_CLI || fileURLToPath(new URL(installed, import.meta.url));
}

async function runCli(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [cliFile(), ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const collect = (chunk: Buffer) => {
    output += chunk.toString();
  };
  child.stdout.on("data", collect);
  child.stderr.on("data", collect);
  await new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => resolve());
  });
  return output;
}
