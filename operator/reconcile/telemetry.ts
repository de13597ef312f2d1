// Where a server's telemetry goes, and what is known of it.
import type { McpServer } from "../api/mcpserver.ts";
import { ownName } from "../desired/names.ts";
import { type TelemetryOwner, telemetryOwner } from "../desired/telemetry/index.ts";
import { openTelemetryCollectorKind } from "../desired/telemetry/open-telemetry-collector.ts";
import { collectorName, collectorRole, validator } from "../desired/telemetry/parts.ts";
import { podMonitorKind } from "../desired/telemetry/pod-monitor.ts";
import { keyOf } from "../kube/store.ts";
import { askEndpoint } from "../probe/endpoint.ts";
import type { MissingReference, TelemetryAnswer, TelemetryState } from "../status/observed.ts";
import { type TelemetryVerdict, telemetryVerdict } from "../status/telemetry.ts";
import { type AskContext, lasts, secretText, toldOf } from "./ask.ts";
import type { Caches } from "./caches.ts";
import { type Child, configKey, type ObservedServer } from "./observed.ts";

/** The server whose collector this one uses; undefined when it asks for none, or nobody has it. */
export const gatherTelemetry = (server: McpServer, caches: Pick<Caches, "server">): TelemetryOwner | undefined =>
  telemetryOwner(server, (name) => caches.server(keyOf({ namespace: server.metadata.namespace, name })));

interface Seen {
  observed: ObservedServer;
  server: McpServer;
  own: Child[];
  /** What the collector's variables need and isn't there. */
  collectorLacks: MissingReference | undefined;
}

interface Gathered {
  state: TelemetryState;
  after?: number | undefined;
}

/** Whether telemetry gets where it should; undefined without spec.telemetry. */
export function judgeTelemetry(
  seen: Seen,
  context: AskContext,
): { verdict: TelemetryVerdict | undefined; after?: number | undefined } {
  const gathered = stateOf(seen, context);
  if (!gathered) return { verdict: undefined };
  const { state, after } = gathered;
  return { verdict: telemetryVerdict(state, toldOf(seen.observed, "TelemetryReady")), after };
}

function stateOf(seen: Seen, context: AskContext): Gathered | undefined {
  const { metadata, spec } = seen.server;
  const { telemetry } = spec;
  if (!telemetry) return;
  const monitor = telemetry.metrics && (context.caches.sees(podMonitorKind) ? "installed" : "absent");
  const common: Common = { namespace: metadata.namespace, monitor };
  const { collector, shared, endpoint } = telemetry;
  if (collector) return { state: collectorState(common, seen, context) };
  if (shared) return { state: sharedState(common, shared.name, context) };
  if (endpoint) return endpointState(common, { server: seen.server, endpoint }, context);
  return { state: { ...common, source: "server", name: ownName(metadata.name) } };
}

type Common = Pick<TelemetryState, "namespace" | "monitor">;

function collectorState(common: Common, { server, own, collectorLacks }: Seen, { caches }: AskContext): TelemetryState {
  const name = collectorName(server.metadata.name);
  const byOperator = caches.sees(openTelemetryCollectorKind);
  const found = own.find(
    ({ kind, name: theirs }) => theirs === name && kind === (byOperator ? openTelemetryCollectorKind : "Deployment"),
  );
  const ready = byOperator ? found?.ready : found?.deployment?.available;
  const problem = caches.podProblems(keyOf(server.metadata)).find(({ role }) => role === collectorRole);
  return { ...common, source: "collector", name, byOperator, ready, problem, validator, lacks: collectorLacks };
}

function sharedState(common: Common, name: string, { caches }: AskContext): TelemetryState {
  const { namespace } = common;
  const other = caches.server(keyOf({ namespace, name }));
  const theirs = other?.spec?.telemetry;
  const found = !other ? "missing" : (theirs?.collector ?? theirs?.endpoint) ? "found" : "without collector";
  const condition = other?.status.conditions?.find(({ type }) => type === "TelemetryReady");
  return { ...common, source: "shared", name, found, condition };
}

type Endpoint = NonNullable<NonNullable<McpServer["spec"]["telemetry"]>["endpoint"]>;
type Asked = TelemetryAnswer | { lacks: { name: string; key: string } };

function endpointState(
  { namespace, monitor }: Common,
  { server, endpoint }: { server: McpServer; endpoint: Endpoint },
  context: AskContext,
): Gathered {
  const { url, protocol, headersSecretRef } = endpoint;
  const { uid } = server.metadata;
  const { caches, client, answers, wake } = context;
  const common = { source: "endpoint" as const, namespace, monitor, url };
  const secret = headersSecretRef && caches.config(configKey("Secret", { namespace, name: headersSecretRef.name }));
  if (headersSecretRef && !secret)
    return { state: { ...common, lacks: { name: headersSecretRef.name }, answer: undefined } };
  if (!answers) return { state: { ...common, lacks: undefined, answer: "not asked" } };

  async function ask(): Promise<Asked> {
    if (!headersSecretRef) return askEndpoint({ url, protocol, headers: undefined });
    const { name, key } = headersSecretRef;
    const headers = await secretText(client, { namespace, name }, key);
    return headers === undefined ? { lacks: { name, key } } : askEndpoint({ url, protocol, headers });
  }
  const { answer, after } = answers<Asked>({
    id: `telemetry/${uid}`,
    version: [url, protocol, headersSecretRef?.key, secret?.resourceVersion].join(" "),
    ask: () => ask().catch((error) => ({ ok: false, why: "unreachable", said: (error as Error).message })),
    lasts: (given) => ("ok" in given && given.ok ? lasts.good : lasts.bad),
    answered: () => wake(keyOf(server.metadata)),
  });
  const lacks = answer && "lacks" in answer ? answer.lacks : undefined;
  return { state: { ...common, lacks, answer: answer && "ok" in answer ? answer : undefined }, after };
}
