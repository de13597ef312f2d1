// Asks an endpoint of OTLP whether it takes telemetry: an export of nothing, or, for gRPC, a connection.
// https://opentelemetry.io/docs/specs/otlp/#otlphttp-request
import { connect } from "node:net";
import type { TelemetryAnswer } from "../status/observed.ts";
import { patience, post } from "./http.ts";
import { codeOf } from "./store-answer.ts";

export interface EndpointTarget {
  url: string;
  protocol: "http/protobuf" | "grpc";
  /** As OTEL_EXPORTER_OTLP_HEADERS has them. */
  headers: string | undefined;
}

/** `name=value,name=value`, values percent-encoded. */
const headersOf = (text = "") =>
  Object.fromEntries(
    text.split(",").flatMap((pair) => {
      const [name = "", ...value] = pair.split("=");
      return name.trim() === "" ? [] : [[name.trim(), decodeURIComponent(value.join("=").trim())]];
    }),
  );

/** Never rejects. */
export async function askEndpoint(target: EndpointTarget): Promise<TelemetryAnswer> {
  try {
    return await (target.protocol === "grpc" ? askGrpc(target) : askHttp(target));
  } catch (error) {
    return { ok: false, why: "unreachable", said: codeOf(error) || (error as Error).name };
  }
}

async function askHttp({ url, headers }: EndpointTarget): Promise<TelemetryAnswer> {
  const { status } = await post(`${url.replace(/\/$/, "")}/v1/traces`, headersOf(headers), { resourceSpans: [] });
  return status < 300 ? { ok: true } : { ok: false, why: "refused", said: `HTTP ${status}` };
}

function askGrpc({ url }: EndpointTarget): Promise<TelemetryAnswer> {
  const { hostname, port, protocol } = new URL(url);
  const { promise, resolve, reject } = Promise.withResolvers<TelemetryAnswer>();
  const socket = connect({
    host: hostname,
    port: Number(port || (protocol === "https:" ? 443 : 80)),
    timeout: patience,
  });
  socket.on("connect", () => resolve({ ok: true }));
  socket.on("timeout", () => reject(new Error("timeout")));
  socket.on("error", reject);
  return promise.finally(() => socket.destroy());
}
