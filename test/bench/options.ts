// What `npm run bench` may be told.
import { parseArgs } from "node:util";

/** In the order in which they run. */
export const partNames = [
  "create",
  "alone",
  "change",
  "drift",
  "steady",
  "poison",
  "restart",
  "memory",
  "churn",
  "leader",
  "routing",
] as const;
export type PartName = (typeof partNames)[number];

export interface Options {
  parts: PartName[];
  /** "at once", and the number that others are multiples of. */
  servers: number;
  /** How many changes are measured. */
  samples: number;
  /** How often "at once" is measured; the median counts. */
  rounds: number;
  minutes: number;
  /** The operator's entry file; undefined: this checkout's. */
  operator: string | undefined;
  /** Flags of Node.js for the operator's process; undefined: those that its first line asks for. */
  nodeFlags: string[] | undefined;
  json: string;
  /** Folder for the operator's CPU profiles; undefined: none. */
  profile: string | undefined;
}

const help = `npm run bench [-- part …] [options]

Measures the operator against a bare client that does the same on the same connections to the same API server, and prints
one table. Parts, all unless told:

  create    servers created at once: as a backlog, and live
  alone     one server: its last object, and the writes until it is Ready
  change    a changed spec → its Deployment
  drift     a deleted child, a stolen field → back
  steady    a minute with all servers Ready: writes, reads, CPU
  poison    one server that the API server refuses: what the others feel
  restart   a new process with twice and five times the servers: writes, seconds
  memory    resident memory with none, twice and five times the servers
  churn     servers come, change and go: does memory grow
  leader    the leader is killed, or ends: when does the other one write
  routing   calls through a gateway that tells 20 pools apart by header, through one that doesn't, and without one

  --servers N      how many "at once" is (1000)
  --samples N      how many changes are measured (200)
  --rounds N       how often "at once" is measured, routing 15 times as often; the median ratio counts (1)
  --minutes N      how long churn lasts (3)
  --operator FILE  measures another checkout's operator/main.ts
  --node-flags=TEXT  flags of Node.js for the operator, instead of those in its first line
  --json FILE      where the results go as JSON (bench-results.json)
  --profile DIR    writes CPU profiles of the operator there
`;

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  throw new Error(`--${name} must be a whole number above 0, not "${text}"`);
}

/** The options; undefined when the user only wanted help. Throws with what is wrong. */
export function readOptions(): Options | undefined {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      servers: { type: "string", default: "1000" },
      samples: { type: "string", default: "200" },
      rounds: { type: "string", default: "1" },
      minutes: { type: "string", default: "3" },
      operator: { type: "string" },
      "node-flags": { type: "string" },
      json: { type: "string", default: "bench-results.json" },
      profile: { type: "string" },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  if (values.help) {
    console.log(help);
    return;
  }
  const unknown = positionals.find((name) => !partNames.some((part) => part === name));
  if (unknown !== undefined) throw new Error(`there is no part "${unknown}": the parts are ${partNames.join(", ")}`);
  return {
    parts: partNames.filter((name) => positionals.length === 0 || positionals.includes(name)),
    servers: wholeNumber("servers", values.servers),
    samples: wholeNumber("samples", values.samples),
    rounds: wholeNumber("rounds", values.rounds),
    minutes: wholeNumber("minutes", values.minutes),
    operator: values.operator,
    nodeFlags: values["node-flags"]?.split(" ").filter((flag) => flag !== ""),
    json: values.json,
    profile: values.profile,
  };
}
