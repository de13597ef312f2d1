// What the API server's audit log says that operators under test wrote: read on from where it was read the last time.
import { closeSync, openSync, readSync } from "node:fs";

export interface Write {
  /** Milliseconds since the epoch. */
  at: number;
  userAgent: string;
  verb: string;
  resource: string;
  namespace: string;
  name: string;
  subresource: string;
  code: number;
  /** Empty for Secrets, of which the log holds no contents. */
  body: unknown;
}

interface Line {
  stage: string;
  verb: string;
  userAgent: string;
  requestReceivedTimestamp: string;
  objectRef?: { resource?: string; namespace?: string; name?: string; subresource?: string };
  responseStatus?: { code?: number };
  requestObject?: unknown;
}

function writeOf(line: string): Write {
  const { verb, userAgent, objectRef = {}, responseStatus, requestObject, ...rest } = JSON.parse(line) as Line;
  const { resource = "", namespace = "", name = "", subresource = "" } = objectRef;
  const at = Date.parse(rest.requestReceivedTimestamp);
  return {
    at,
    userAgent,
    verb,
    resource,
    namespace,
    name,
    subresource,
    code: responseStatus?.code ?? 0,
    body: requestObject,
  };
}

export interface AuditLog {
  /** All writes of proxied operators so far; leases, events and reviews left out. */
  writes(): Write[];
}

const chunkSize = 1 << 20;
const noise = new Set(["leases", "events", "subjectaccessreviews", "selfsubjectaccessreviews"]);

export function openAuditLog(path: string): AuditLog {
  const writes: Write[] = [];
  const buffer = Buffer.alloc(chunkSize);
  let offset = 0;
  let rest = Buffer.alloc(0);

  function take(line: string) {
    if (!line.includes('"userAgent":"anypod-chaos/') || !line.includes('"ResponseComplete"')) return;
    const write = writeOf(line);
    if (!noise.has(write.resource)) writes.push(write);
  }

  function readOn() {
    const file = openSync(path, "r");
    try {
      for (let read = readSync(file, buffer, 0, chunkSize, offset); read > 0; ) {
        offset += read;
        rest = Buffer.concat([rest, buffer.subarray(0, read)]);
        const end = rest.lastIndexOf(10);
        for (const line of rest.subarray(0, Math.max(end, 0)).toString().split("\n")) take(line);
        rest = rest.subarray(end + 1);
        read = readSync(file, buffer, 0, chunkSize, offset);
      }
    } finally {
      closeSync(file);
    }
  }

  return {
    writes() {
      readOn();
      return writes;
    },
  };
}
