// Rules are data: what is matched, what goes wrong, and when. The engine counts matches and decides; the proxy carries out.
import type { Call, Verb } from "./call.ts";
import { fraction } from "./random.ts";

export type EventType = "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK";

/** What goes wrong with a request. */
export type CallFault =
  /** Answered late. */
  | { kind: "delay"; ms: number }
  /** The connection is reset: `before` the API server hears of it, or `after` it has done it, with the answer lost. */
  | { kind: "reset"; at: "before" | "after" }
  /** The same two places, but nothing happens until `release` or `drop`. */
  | { kind: "hold"; at: "before" | "after" }
  /** The proxy answers itself. */
  | { kind: "answer"; status: 403 | 409 | 410 | 429 | 500 | 503 | 504; retryAfter?: number }
  /** Half of the answer, then a reset. */
  | { kind: "cut" }
  /** A list as it was answered the last time. */
  | { kind: "stale" };

/** What goes wrong with an event of a watch. */
export type EventFault =
  /** It never arrives; the stream goes on. */
  | { kind: "hide" }
  /** Half of its line, then the stream ends, or is reset. */
  | { kind: "truncate"; finally: "end" | "reset" }
  /** A line that is no JSON comes before it. */
  | { kind: "malformed" }
  /** An ERROR event with 410 comes in its place, and the stream ends. */
  | { kind: "gone" }
  /** It and all that would follow never arrive; the connection stays open. */
  | { kind: "freeze" };

export interface Match {
  verb?: Verb | readonly Verb[];
  write?: boolean;
  resource?: string | readonly string[];
  subresource?: string;
  namespace?: string | readonly string[];
  name?: string | readonly string[];
}

/** Counted over what the rule matches, from 1. Without any: always. */
export interface When {
  nth?: number;
  from?: number;
  /** At most so many times. */
  times?: number;
  /** In (0, 1]: decided by the seed. */
  chance?: number;
}

interface Named {
  /** Says in reports what was injected. */
  name: string;
  when?: When;
}
export type CallRule = Named & { match: Match; fault: CallFault };
export type EventRule = Named & { match: Match & { event?: EventType | readonly EventType[] }; fault: EventFault };
export type Rule = CallRule | EventRule;

const eventFaults = ["hide", "truncate", "malformed", "gone", "freeze"] as const;
const isEventRule = (rule: Rule): rule is EventRule => (eventFaults as readonly string[]).includes(rule.fault.kind);

/** What of a watch event rules see. */
export interface WatchedEvent {
  event: EventType;
  resource: string;
  namespace: string;
  name: string;
}

const oneOf = (wanted: unknown, value: unknown) =>
  wanted === undefined || (Array.isArray(wanted) ? wanted.includes(value) : wanted === value);

const matches = (match: object, subject: object) =>
  Object.entries(match).every(([field, wanted]) => oneOf(wanted, (subject as Record<string, unknown>)[field]));

interface State<R extends Rule> {
  rule: R;
  matched: number;
  fired: number;
  /** Matches so far of each object. */
  seen: Map<string, number>;
}

const fresh = <R extends Rule>(rule: R): State<R> => ({ rule, matched: 0, fired: 0, seen: new Map() });

/** The namespace is left out: it has another name in every run. */
const identityOf = ({ resource, name }: { resource: string; name: string }, verb: string) =>
  `${verb} ${resource} ${name}`;

export interface Engine {
  /** Replaces all rules; counts begin anew. */
  set(rules: readonly Rule[]): void;
  /** The faults of a call: any number of delays, and at most one other. */
  forCall(call: Call): CallRule[];
  forEvent(event: WatchedEvent): EventRule | undefined;
  /** How often each rule has fired since the engine was made. */
  injected(): Record<string, number>;
}

export function createEngine(seed: number): Engine {
  let calls: State<CallRule>[] = [];
  let events: State<EventRule>[] = [];
  const injected: Record<string, number> = {};

  function lucky(state: State<Rule>, identity: string, chance: number): boolean {
    const nth = (state.seen.get(identity) ?? 0) + 1;
    state.seen.set(identity, nth);
    return fraction(`${seed}|${state.rule.name}|${identity}|${nth}`) < chance;
  }

  function due(state: State<Rule>, identity: string): boolean {
    const { nth, from = 1, times = Number.POSITIVE_INFINITY, chance = 1 } = state.rule.when ?? {};
    const isTurn = nth === undefined ? state.matched >= from : state.matched === nth;
    return isTurn && state.fired < times && lucky(state, identity, chance);
  }

  /** Counts the match, whether or not an earlier rule has already fired. */
  function firing<R extends Rule>(states: State<R>[], subject: object, identity: string): State<R>[] {
    const matched = states.filter(({ rule }) => matches(rule.match, subject));
    for (const state of matched) state.matched++;
    return matched.filter((state) => due(state, identity));
  }

  function fire<R extends Rule>(state: State<R>): R {
    state.fired++;
    injected[state.rule.name] = (injected[state.rule.name] ?? 0) + 1;
    return state.rule;
  }

  return {
    set(rules) {
      calls = rules.filter((rule) => !isEventRule(rule)).map((rule) => fresh(rule as CallRule));
      events = rules.filter(isEventRule).map(fresh);
    },
    forCall(call) {
      const due = firing(calls, call, identityOf(call, call.verb));
      const delays = due.filter(({ rule }) => rule.fault.kind === "delay");
      const other = due.find(({ rule }) => rule.fault.kind !== "delay");
      return [...delays, ...(other ? [other] : [])].map(fire);
    },
    forEvent(event) {
      const [first] = firing(events, event, identityOf(event, event.event));
      return first && fire(first);
    },
    injected: () => injected,
  };
}
