// How a server's metrics get to Prometheus: what is scraped, how often, and by whom.
import * as z from "zod";
import * as core from "./core.ts";
import { durationSeconds } from "./duration.ts";
import { type Rule, text, withRules } from "./rule.ts";

const labelKey = "^([a-z0-9]([-a-z0-9.]*[a-z0-9])?/)?[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$";
const labelValue = "^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$";
const labels = withRules(
  z
    .record(
      z.string(),
      text(labelValue, "a label's value is letters, digits, '-', '_' and '.', beginning and ending without a sign", 63),
    )
    .meta({ maxProperties: 20 }),
  {
    cel: `self.all(key, key.matches('${labelKey}'))`,
    message: "a label's key is letters, digits, '-', '_' and '.', with or without a domain before it: example.com/team",
    holds: (value) => Object.keys(value).every((key) => new RegExp(labelKey).test(key)),
  },
);

const interval = text("^[1-9][0-9]{0,4}(s|m|h)$", "interval is a number of seconds, minutes or hours, such as 30s", 6);

export const metrics = z.strictObject({
  port: z
    .int32()
    .min(1)
    .max(65535)
    .optional()
    .describe(
      "Where the server itself tells metrics. Not given: its collector tells what the server sends it by OTLP.",
    ),
  path: text("^/[^\\s?#]*$", "path begins with '/', such as /metrics", 255)
    .default("/metrics")
    .describe("Where the server tells them, at its port."),
  interval: interval.default("30s").describe("Between two scrapes, and between two times that pods send metrics."),
  labels: labels
    .default({})
    .describe("More labels of the PodMonitors: what your Prometheus selects them by, such as `release: prometheus`."),
  from: z
    .array(core.networkPolicyPeer)
    .max(50)
    .optional()
    .describe("Who may scrape the server's port, with spec.network. All pods of the cluster when not given."),
});

export type Metrics = z.output<typeof metrics>;

/** Length of an interval, in milliseconds. */
export const intervalMs = (value: string) => durationSeconds(value) * 1000;

interface Sources {
  collector?: unknown;
  endpoint?: unknown;
  shared?: unknown;
  metrics?: Metrics | undefined;
}

/** Telemetry goes to exactly one place, unless all there is of it is metrics that the server itself tells. */
export const oneSource: Rule<Sources> = {
  cel: "[has(self.collector), has(self.endpoint), has(self.shared)].filter(x, x).size() == (has(self.metrics) && has(self.metrics.port) && !has(self.collector) && !has(self.endpoint) && !has(self.shared) ? 0 : 1)",
  message:
    "telemetry must have exactly one of collector, endpoint, shared; or metrics.port alone, for a server that tells metrics by itself",
  holds: ({ collector, endpoint, shared, metrics: told }) => {
    const places = [collector, endpoint, shared].filter((place) => place !== undefined).length;
    return places === 1 || (places === 0 && told?.port !== undefined);
  },
};

/** There is something to scrape. */
export const somethingToScrape: Rule<Sources> = {
  cel: "!has(self.metrics) || has(self.metrics.port) || has(self.collector)",
  message:
    "metrics needs port, where the server itself tells them, or a collector of the server's own; with shared, ask for metrics in the server that has the collector: it tells those of all who use it",
  holds: ({ collector, metrics: told }) => !told || told.port !== undefined || collector !== undefined,
  fieldPath: ".metrics",
};

interface Scraped {
  port: number;
  network?: unknown;
  telemetry?: { metrics?: Metrics | undefined } | undefined;
}

/** On the port of calls, who may scrape may call: nobody is let in by default. */
export const scrapersNamed: Rule<Scraped> = {
  cel: "!(has(self.network) && has(self.telemetry) && has(self.telemetry.metrics) && has(self.telemetry.metrics.port)) || has(self.telemetry.metrics.from) || self.telemetry.metrics.port != (has(self.port) ? self.port : 8080)",
  message:
    "with spec.network, metrics on the port of calls need telemetry.metrics.from: whoever may scrape there may call, too",
  holds: ({ port, network, telemetry }) => {
    const told = telemetry?.metrics;
    return network === undefined || told?.from !== undefined || told?.port !== port;
  },
};
