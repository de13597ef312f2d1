// The rights that operators have used, from the API server's audit log, held against those that the chart grants.
import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import type { Right } from "../../charts/generate/rights.ts";
import { isOperators } from "./audit.ts";

/** What an operator has asked for. */
export interface Asked {
  verb: string;
  group: string;
  /** With its subresource. */
  resource: string;
  /** Of the object, where rights are for some names only. */
  name: string;
  /** The account that has every right was refused it. */
  refused: boolean;
}

interface Line {
  verb: string;
  user: { username?: string };
  userAgent?: string;
  objectRef?: { apiGroup?: string; resource?: string; subresource?: string; name?: string };
  responseStatus?: { code?: number; message?: string };
}

const created = 201;
const forbidden = 403;

/**
 * A request needs the right to its verb. A patch that has created also needed the right to create, which the API server asks
 * for on the way: who lacks it is refused a create, though the log says patch.
 */
function verbsOf({ verb, responseStatus: { code, message } = {} }: Line): string[] {
  if (verb !== "patch") return [verb];
  const lacked = code === forbidden && /cannot create resource/.test(message ?? "");
  return code === created || lacked ? ["patch", "create"] : ["patch"];
}

/** The API server's words when it is the right that is missing, and not a namespace that goes away. */
const isRefused = ({ responseStatus: { code, message } = {} }: Line) =>
  code === forbidden && / cannot \w+ resource /.test(message ?? "");

function askedBy(line: Line, everywhere: string, named: Set<string>): Asked[] {
  const { apiGroup: group = "", resource: plain = "", subresource, name = "" } = line.objectRef ?? {};
  const resource = subresource ? `${plain}/${subresource}` : plain;
  const refused = line.user.username === everywhere && isRefused(line);
  return verbsOf(line).map((verb) => ({
    verb,
    group,
    resource,
    name: named.has(`${resource}.${group}`) ? name : "",
    refused,
  }));
}

const rightName = ({ group, resource }: Pick<Right, "group" | "resource">) => `${resource}.${group}`;

/**
 * All that operators have asked for so far, each thing once.
 * @param everywhere user name of the account that has every right; of others it isn't known what they may
 */
export async function askedIn(auditLog: string, everywhere: string, rights: Right[]): Promise<Asked[]> {
  const named = new Set(rights.filter(({ names }) => names).map(rightName));
  const found = new Map<string, Asked>();
  for await (const text of createInterface({ input: createReadStream(auditLog) })) {
    // Long lines are other people's; to parse them would take most of the time.
    if (!text.includes('"userAgent":"anypod"')) continue;
    const line = JSON.parse(text) as Line;
    if (!isOperators(line)) continue;
    for (const asked of askedBy(line, everywhere, named)) found.set(JSON.stringify(asked), asked);
  }
  return [...found.values()];
}

interface Grant {
  verb: string;
  group: string;
  resource: string;
  name: string | undefined;
}

const grantsOf = (rights: Right[]): Grant[] =>
  rights.flatMap(({ group, resource, verbs, names = [undefined] }) =>
    verbs.flatMap((verb) => names.map((name) => ({ verb, group, resource, name }))),
  );

const covers = (grant: Grant, asked: Asked) =>
  grant.verb === asked.verb &&
  rightName(grant) === rightName(asked) &&
  (grant.name === undefined || grant.name === asked.name);

const described = ({ verb, name, ...right }: Grant | Asked) =>
  [verb, right.group === "" ? right.resource : rightName(right), ...(name ? [`"${name}"`] : [])].join(" ");

export interface Comparison {
  /** Asked for without a right to it, or refused. */
  without: string[];
  /** Granted, and never asked for. */
  unused: string[];
}

export function compare(asked: Asked[], rights: Right[]): Comparison {
  const grants = grantsOf(rights);
  const without = asked.filter((each) => each.refused || !grants.some((grant) => covers(grant, each)));
  const unused = grants.filter((grant) => !asked.some((each) => covers(grant, each)));
  const texts = (each: (Grant | Asked)[]) => [...new Set(each.map(described))].sort();
  return { without: texts(without), unused: texts(unused) };
}
