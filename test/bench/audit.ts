// The API server's audit log: who asked for what, from when to when.
import { closeSync, openSync, readSync, statSync } from "node:fs";

/** An answered request; times in milliseconds since the epoch, with microseconds as their fraction. */
export interface AuditEvent {
  user: string;
  verb: string;
  resource: string;
  subresource: string;
  namespace: string;
  name: string;
  code: number;
  received: number;
  answered: number;
}

interface Line {
  stage: string;
  verb: string;
  user: { username: string };
  objectRef?: { resource?: string; namespace?: string; name?: string; subresource?: string };
  responseStatus?: { code?: number };
  requestReceivedTimestamp: string;
  stageTimestamp: string;
}

/** Date.parse, with the microseconds that it drops. */
const time = (text: string) => Date.parse(`${text.slice(0, 19)}Z`) + Number(`0.${text.slice(20, -1)}`) * 1000;

function eventOf(text: string): AuditEvent | undefined {
  const { stage, verb, user, objectRef = {}, responseStatus, ...at } = JSON.parse(text) as Line;
  if (stage !== "ResponseComplete") return;
  return {
    user: user.username,
    verb,
    resource: objectRef.resource ?? "",
    subresource: objectRef.subresource ?? "",
    namespace: objectRef.namespace ?? "",
    name: objectRef.name ?? "",
    code: responseStatus?.code ?? 0,
    received: time(at.requestReceivedTimestamp),
    answered: time(at.stageTimestamp),
  };
}

const chunkSize = 1 << 20;

/** The bytes from a position to the end. */
function readFrom(file: string, position: number): Buffer {
  const chunks: Buffer[] = [];
  const descriptor = openSync(file, "r");
  try {
    for (let at = position; ; ) {
      const chunk = Buffer.alloc(chunkSize);
      const length = readSync(descriptor, chunk, 0, chunkSize, at);
      if (length === 0) return Buffer.concat(chunks);
      chunks.push(chunk.subarray(0, length));
      at += length;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Reads from the log's end on: each call returns what has come since the one before. */
export function auditFromNow(file: string): () => AuditEvent[] {
  let position = statSync(file).size;
  return () => {
    const bytes = readFrom(file, position);
    const end = bytes.lastIndexOf("\n") + 1;
    position += end;
    const lines = bytes.subarray(0, end).toString().split("\n");
    return lines.filter((line) => line !== "").flatMap((line) => eventOf(line) ?? []);
  };
}

export const isRead = ({ verb }: AuditEvent) => verb === "get" || verb === "list";
export const isWatch = ({ verb }: AuditEvent) => verb === "watch";
export const isWrite = (event: AuditEvent) => !isRead(event) && !isWatch(event);
/** Leader election and events aren't about the servers. */
const besides = new Set(["leases", "events"]);
export const isServerWrite = (event: AuditEvent) => isWrite(event) && !besides.has(event.resource);
export const isChildWrite = (event: AuditEvent) => isServerWrite(event) && event.resource !== "mcpservers";
export const succeeded = ({ code }: AuditEvent) => code >= 200 && code < 300;
