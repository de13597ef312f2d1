// Whether this server tells OpenTelemetry anything. The environment alone says so; without its word nothing of the SDK is
// loaded.
import type { Log } from "./log.ts";

/** One MCP request, as it came. */
export interface Received {
  /** The parsed body. */
  readonly message: unknown;
  readonly headers: Headers;
}

/** How the HTTP side of it ended. */
export interface Ended {
  readonly status: number;
  /** The client went away before the end of the answer. */
  readonly aborted: boolean;
}

/** A request that is being answered. */
export interface Operation {
  /** Runs `handle` so that what it calls belongs to this operation, and looks at the answer as it passes by. */
  answer(handle: () => Promise<Response>): Promise<Response>;
  end(ended: Ended): void;
}

export interface Telemetry {
  /** Undefined for what is no MCP message. */
  begin(received: Received): Operation | undefined;
  /** Sends what is left, and returns in bounded time whether anybody takes it or not. */
  close(): Promise<void>;
}

/** What this server is called when OTEL_SERVICE_NAME doesn't say. */
export interface Self {
  readonly name: string;
  readonly version: string;
}

/** https://opentelemetry.io/docs/specs/otel/protocol/exporter/ */
const endpoints = ["", "TRACES_", "METRICS_"].map((signal) => `OTEL_EXPORTER_OTLP_${signal}ENDPOINT`);

const silent: Telemetry = { begin: () => undefined, close: async () => undefined };

export async function openTelemetry(self: Self, log: Log): Promise<Telemetry> {
  const isOff = process.env.OTEL_SDK_DISABLED?.trim().toLowerCase() === "true";
  if (isOff || !endpoints.some((name) => process.env[name]?.trim())) return silent;
  const { startSdk } = await import("./telemetry-sdk.ts");
  const { watchOperations } = await import("./operation.ts");
  const close = startSdk(self, log);
  return { begin: watchOperations(), close };
}
