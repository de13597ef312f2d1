// A proxy in front of the API server that the operator under test talks to: passes everything on, except where a rule says
// that something goes wrong. Plain HTTP on 127.0.0.1, so that no certificate has to be made.
import { once } from "node:events";
import { rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import type { Dispatcher } from "undici";
import { type Call, callOf } from "./call.ts";
import { answer, bodyOf, forwarded, kubeconfigFor, returned } from "./messages.ts";
import { type CallFault, type CallRule, createEngine, type Match, type Rule } from "./rules.ts";
import { type Stream, startStream } from "./stream.ts";
import { connectUpstream } from "./upstream.ts";

/** What the journal keeps of a call. */
export interface CallRecord extends Pick<Call, "verb" | "write" | "resource" | "namespace" | "name" | "subresource"> {
  /** Milliseconds since the epoch. */
  at: number;
  continued: boolean;
  /** What the operator got; 0 while it has got nothing, or when the connection was reset. */
  status: number;
  /** Name of the rule that it met. */
  rule?: string;
}

export interface ChaosProxy {
  /** Path of the kubeconfig for the operator. */
  kubeconfig: string;
  /** The user agent under which the operator's calls stand in the audit log. */
  userAgent: string;
  rules(...rules: Rule[]): void;
  injected(): Record<string, number>;
  /** Every call, in the order in which they came. */
  journal: CallRecord[];
  /** The watches that are open now. */
  streams(match?: Pick<Match, "resource">): Stream[];
  /** How many calls are held now. */
  held(): number;
  /** Lets held calls go on. */
  release(): void;
  /** Ends held calls without an answer; those held `before` never reach the API server. */
  drop(): void;
  /** The API server is away: connections are reset, old and new ones. Returns how many tries there were so far. */
  away(): () => number;
  back(): void;
  stop(): Promise<void>;
}

export interface ProxyOptions {
  /** Of the real API server's administrator. */
  kubeconfig: string;
  /** Where to write the operator's kubeconfig. */
  file: string;
  /** Tells proxies of one cluster apart. */
  name: string;
  seed: number;
}

type Decision = "on" | "drop";

/** One call on its way. */
interface Passage {
  call: Call;
  record: CallRecord;
  request: IncomingMessage;
  response: ServerResponse;
}

const faultAt = (rule: CallRule | undefined, kind: CallFault["kind"], at: "before" | "after") =>
  rule?.fault.kind === kind && "at" in rule.fault && rule.fault.at === at;

export async function startProxy({ kubeconfig, file, name, seed }: ProxyOptions): Promise<ChaosProxy> {
  const upstream = await connectUpstream(kubeconfig);
  const engine = createEngine(seed);
  const userAgent = `anypod-chaos/${name}`;
  const journal: CallRecord[] = [];
  const open = new Set<Stream>();
  const lastLists = new Map<string, string>();
  let holding: ((decision: Decision) => void)[] = [];
  let isAway = false;
  let tries = 0;

  const hold = () => new Promise<Decision>((resolve) => holding.push(resolve));
  function letGo(decision: Decision) {
    for (const resolve of holding) resolve(decision);
    holding = [];
  }
  const reset = ({ request }: Passage) => void request.socket.resetAndDestroy();

  /** Whether the call ends here: reset, or held and then dropped. */
  async function endsAt(at: "before" | "after", rule: CallRule | undefined, passage: Passage): Promise<boolean> {
    const dropped = faultAt(rule, "hold", at) && (await hold()) === "drop";
    const ends = dropped || faultAt(rule, "reset", at);
    if (ends) reset(passage);
    return ends;
  }

  /** Waits and own answers; whether the call ends with them. */
  async function before(rules: CallRule[], passage: Passage): Promise<boolean> {
    for (const { fault } of rules) if (fault.kind === "delay") await delay(fault.ms);
    const rule = rules.find(({ fault }) => fault.kind !== "delay");
    if (rule?.fault.kind === "answer") {
      passage.record.status = rule.fault.status;
      answer(passage.response, rule.fault);
      return true;
    }
    return endsAt("before", rule, passage);
  }

  async function pass(passage: Passage, rule: CallRule | undefined): Promise<void> {
    const { call, request, response, record } = passage;
    const answered = await upstream.send(call, forwarded(request, userAgent));
    if (call.verb === "watch" && answered.statusCode === 200) return stream(passage, answered);
    const text = await answered.body.text();
    if (await endsAt("after", rule, passage)) return;
    const body = listOf(call, text, { stale: rule?.fault.kind === "stale", status: answered.statusCode });
    record.status = answered.statusCode;
    response.writeHead(answered.statusCode, { ...returned(answered), "content-length": Buffer.byteLength(body) });
    if (rule?.fault.kind !== "cut") response.end(body);
    else response.write(body.slice(0, body.length / 2), () => reset(passage));
  }

  /** The answer, or in place of a list the one before. */
  function listOf({ verb, url }: Call, text: string, { stale, status }: { stale: boolean; status: number }): string {
    const body = stale ? (lastLists.get(url) ?? text) : text;
    if (verb === "list" && status === 200) lastLists.set(url, body);
    return body;
  }

  async function stream({ call, response, record }: Passage, answered: Dispatcher.ResponseData): Promise<void> {
    record.status = 200;
    response.writeHead(200, returned(answered));
    response.flushHeaders();
    const { stream: opened, ended } = startStream({ call, body: answered.body, response, engine });
    open.add(opened);
    response.once("close", () => open.delete(opened));
    await ended;
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const call = callOf(request, await bodyOf(request));
    const { verb, write, resource, namespace, name: object, subresource } = call;
    const rules = engine.forCall(call);
    const record: CallRecord = {
      ...{ at: Date.now(), verb, write, resource, namespace, name: object, subresource },
      continued: call.query.has("continue"),
      status: 0,
      ...(rules[0] && { rule: rules[0].name }),
    };
    journal.push(record);
    const passage = { call, record, request, response };
    if (await before(rules, passage)) return;
    await pass(
      passage,
      rules.find(({ fault }) => fault.kind !== "delay"),
    );
  }

  const server = createServer((request, response) => {
    // The operator may be killed, or the API server end, at any time: then the connection ends too.
    handle(request, response).catch(() => request.socket.destroy());
  });
  server.on("connection", (socket) => {
    if (!isAway) return;
    tries++;
    socket.resetAndDestroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  writeFileSync(file, JSON.stringify(kubeconfigFor((server.address() as AddressInfo).port)), { mode: 0o600 });

  return {
    kubeconfig: file,
    userAgent,
    rules: (...rules) => engine.set(rules),
    injected: engine.injected,
    journal,
    streams: ({ resource } = {}) =>
      [...open].filter((each) => resource === undefined || [resource].flat().includes(each.resource)),
    held: () => holding.length,
    release: () => letGo("on"),
    drop: () => letGo("drop"),
    away() {
      isAway = true;
      tries = 0;
      server.closeAllConnections();
      return () => tries;
    },
    back() {
      isAway = false;
    },
    async stop() {
      letGo("drop");
      server.closeAllConnections();
      server.close();
      await upstream.close();
      rmSync(file, { force: true });
    },
  };
}
