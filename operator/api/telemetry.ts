// Where a server's traces, metrics and logs go: a collector that anypod runs, one that is there, or another server's.
import * as z from "zod";
import * as core from "./core.ts";
import { metrics, oneSource, somethingToScrape } from "./metrics.ts";
import { text, withRules } from "./rule.ts";

/** `type` or `type/name`, as the collector names its parts. */
const partName = "^[A-Za-z][A-Za-z0-9_]*(/[A-Za-z0-9_.-]+)?$";
const parts = (what: string) =>
  withRules(z.record(z.string(), z.looseObject({}).nullable()).meta({ maxProperties: 20 }), {
    cel: `self.all(name, name.matches('${partName}'))`,
    message: `${what} are named type or type/name, such as otlphttp or otlphttp/backup`,
    holds: (value) => Object.keys(value).every((name) => new RegExp(partName).test(name)),
  });

const atLeastOne = {
  cel: "self.size() > 0",
  message: "name at least one exporter, or leave the collector out: what it gets has to go somewhere",
  holds: (value: object) => Object.keys(value).length > 0,
};

/** Parts that anypod makes itself. */
const own = ["memory_limiter", "resource", "batch"];
/** What `metrics` has the collector tell Prometheus with. */
export const ownExporter = "prometheus/anypod";

const collector = withRules(
  z.strictObject({
    exporters: withRules(parts("exporters"), atLeastOne, {
      cel: `!('${ownExporter}' in self)`,
      message: `exporter ${ownExporter} is telemetry.metrics' own: name yours otherwise, such as prometheus/mine`,
      holds: (value) => !(ownExporter in value),
    }).describe(
      "Exporters of the OpenTelemetry Collector, as its configuration has them; what is secret stands there as a variable of env.",
    ),
    processors: withRules(parts("processors"), {
      cel: `!self.exists(name, name in ['${own.join("', '")}'])`,
      message: `processors ${own.join(", ")} are there already: name yours otherwise, such as batch/mine`,
      holds: (value) => !own.some((name) => name in value),
    })
      .optional()
      .describe("More processors, in the order of their names; between the memory limiter and the batches."),
    env: core.env.optional().describe("Variables that the configuration may refer to, from Secrets most often."),
    replicas: z.int32().min(1).max(50).default(1).describe("How many pods."),
    resources: core.resources
      .default({ requests: { cpu: "50m", memory: "128Mi" }, limits: { memory: "256Mi" } })
      .describe("Each pod's requests and limits."),
  }),
  core.memoryLimit("the collector stays below it"),
);

const endpoint = z.strictObject({
  url: text(
    "^https?://[^\\s/?#]+(/[^\\s?#]*)?$",
    "url must be http:// or https://, a host, and perhaps a port and a path",
    2048,
  ),
  protocol: z
    .enum(["http/protobuf", "grpc"])
    .default("http/protobuf")
    .describe("How telemetry is sent: `grpc` to port 4317, `http/protobuf` to port 4318, as is usual."),
  headersSecretRef: z
    .strictObject({ name: core.objectName("name"), key: z.string().min(1).max(253) })
    .optional()
    .describe("Headers with tokens, as `OTEL_EXPORTER_OTLP_HEADERS` has them: `name=value,name=value`."),
});

export const telemetry = withRules(
  z.strictObject({
    collector: collector.optional().describe("An OpenTelemetry Collector of the server's own."),
    endpoint: endpoint.optional().describe("A collector, or whatever speaks OTLP, that is there."),
    shared: z
      .strictObject({ name: core.objectName("name").describe("An McpServer in the namespace.") })
      .optional()
      .describe("The collector of another server."),
    samplingPercent: z
      .int32()
      .min(0)
      .max(100)
      .optional()
      .describe(
        "Share of the traces that begin here; those that a caller began are kept or not as the caller says. All when not given.",
      ),
    metrics: metrics.optional().describe("Has Prometheus scrape metrics, by a PodMonitor. Not at all when not given."),
  }),
  oneSource,
  somethingToScrape,
);

export type Telemetry = z.output<typeof telemetry>;
export type Collector = z.output<typeof collector>;
