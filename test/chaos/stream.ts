// One watch on its way through the proxy: line by line, so that a single event can be hidden, mangled or held back.
import type { ServerResponse } from "node:http";
import type { Readable } from "node:stream";
import type { Call } from "./call.ts";
import type { Engine, EventFault, EventType, WatchedEvent } from "./rules.ts";

export interface Stream {
  readonly resource: string;
  readonly namespace: string;
  /** Sends nothing any more and keeps the connection. */
  freeze(): void;
  /** Ends the stream as the API server does, or resets its connection. */
  end(how: "end" | "reset"): void;
  /** An ERROR event with 410, and the end. */
  gone(): void;
}

const goneEvent = `${JSON.stringify({
  type: "ERROR",
  object: {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message: "too old resource version: 1 (2)",
    reason: "Expired",
    code: 410,
  },
})}\n`;

function eventOf(line: string, { resource }: Call): WatchedEvent | undefined {
  const { type, object } = JSON.parse(line) as {
    type: EventType | "ERROR";
    object: { metadata?: { namespace?: string; name?: string } };
  };
  if (type === "ERROR") return;
  const { namespace = "", name = "" } = object.metadata ?? {};
  return { event: type, resource, namespace, name };
}

/** Splits at line feeds; characters of several bytes stay whole. */
async function* linesOf(body: Readable): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of body.setEncoding("utf8")) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    yield* lines;
  }
}

export interface StreamOptions {
  call: Call;
  body: Readable;
  response: ServerResponse;
  engine: Engine;
}

/** The stream, and its end: when the API server, the operator or a fault has ended it. */
export function startStream({ call, body, response, engine }: StreamOptions): { stream: Stream; ended: Promise<void> } {
  /** Nothing more is sent: frozen, or ended by a fault. */
  let silent = false;

  function end(how: "end" | "reset") {
    silent = true;
    if (how === "end") response.end();
    else response.socket?.resetAndDestroy();
    body.destroy();
  }

  function gone() {
    if (!silent) response.write(goneEvent);
    end("end");
  }

  const faults: Record<EventFault["kind"], (line: string, fault: EventFault) => void> = {
    hide: () => {},
    malformed: (line) => void response.write(`{"type":"MODIFIED","object":{"metadata":\n${line}\n`),
    truncate: (line, fault) => {
      silent = true;
      response.write(line.slice(0, line.length / 2));
      // What was written leaves before the reset.
      setImmediate(() => end(fault.kind === "truncate" ? fault.finally : "end"));
    },
    gone,
    freeze: () => {
      silent = true;
    },
  };

  function pass(line: string) {
    const event = eventOf(line, call);
    const rule = event && engine.forEvent(event);
    if (rule) faults[rule.fault.kind](line, rule.fault);
    else response.write(`${line}\n`);
  }

  async function run() {
    response.once("close", () => body.destroy());
    try {
      for await (const line of linesOf(body)) if (!silent && line !== "") pass(line);
    } catch {
      // Broken off: by the API server, or by the line above.
    }
    if (!silent) response.end();
  }

  const stream: Stream = {
    resource: call.resource,
    namespace: call.namespace,
    freeze: () => {
      silent = true;
    },
    end,
    gone,
  };
  return { stream, ended: run() };
}
