// Whether the autoscalers that a server asks for count its pods, and what to do when not. Pure. It never keeps a server from Ready:
// the pods that there are answer.
import type { Condition } from "../api/mcpserver.ts";
import type { AutoscalerState, KedaScaling, PoolScaling } from "./observed.ts";

/** The condition AutoscalingReady, but for its times. */
export type ScalingVerdict = Pick<Condition, "status" | "reason" | "message">;

const holds: ScalingVerdict = {
  status: "True",
  reason: "AutoscalerCounts",
  message: "Every autoscaler knows what it goes by.",
};
const fails = (reason: string, message: string): ScalingVerdict => ({ status: "False", reason, message });

/** Less than this is a hiccup, or a pod that has only just started, in milliseconds. */
const patience = 60_000;

const stays = "The number of pods stays as it is meanwhile.";

type Failure = Extract<AutoscalerState["works"], { holds: false }>;
const failureOf = (state: AutoscalerState | undefined): Failure | undefined =>
  state?.works?.holds === false ? state.works : undefined;

const look = ({ namespace, name }: PoolScaling, kind: string) => `kubectl -n ${namespace} describe ${kind} ${name}`;
const sentence = (text: string) => text.trim().replace(/\.?$/, ".");

/** KEDA has been asked to count, or to stop, and hasn't yet. */
function beingHandedOver(state: PoolScaling): ScalingVerdict | undefined {
  const { pool, name, hpa, keda } = state;
  if (!keda && hpa?.byKeda)
    return fails(
      "AutoscalerStarting",
      `ScaledObject ${name} of pool ${pool} is being deleted, and its autoscaler with it. If it lasts: KEDA has to take its finalizer out, so its operator has to run. ${stays}`,
    );
  if (keda && !hpa?.byKeda && !failureOf(keda.scaledObject))
    return fails(
      "AutoscalerStarting",
      `KEDA is to count the pods of pool ${pool}. If it lasts, does its operator run? ${look(state, "scaledobject")}`,
    );
  return;
}

/** What somebody has to change, whatever the autoscaler says. */
function asked(state: PoolScaling): ScalingVerdict | undefined {
  const { pool, namespace, name, isOff, keda, lacksPrometheus } = state;
  if (isOff)
    return fails(
      "ScaledToZero",
      `Somebody has scaled pool ${pool} to zero pods, which turns its autoscaler off: kubectl -n ${namespace} scale deployment ${name} --replicas=1 turns it on again.`,
    );
  if (lacksPrometheus)
    return fails(
      "PrometheusNotKnown",
      `spec.autoscaling goes by calls, and the cluster has KEDA to count them, but nobody has told anypod where Prometheus is: set prometheusUrl of its chart (--prometheus-url). Pods of pool ${pool} get no fewer until then.`,
    );
  if (keda?.refused !== undefined)
    return fails("Rejected", `ScaledObject ${name} of pool ${pool} is refused: ${sentence(keda.refused)} ${stays}`);
  if (keda?.scaledObject?.paused)
    return fails(
      "AutoscalerPaused",
      `An annotation of ScaledObject ${name} tells KEDA to leave pool ${pool} alone: take autoscaling.keda.sh/paused… off to go on.`,
    );
  return;
}

function withoutNumbers(state: PoolScaling, { reason, message }: Failure): ScalingVerdict {
  const { pool, countsCalls, keda } = state;
  const said = `The autoscaler says: ${sentence(message)}`;
  if (/^FailedGet(Container)?ResourceMetric$/.test(reason))
    return fails(
      "ResourceMetricsMissing",
      `Nobody tells what pods of pool ${pool} use: is metrics-server installed, and do all containers have requests? ${stays} ${said}`,
    );
  if (reason !== "FailedGetExternalMetric" || !countsCalls)
    return fails("AutoscalerFails", `Pods of pool ${pool} aren't counted. ${said} See: ${look(state, "hpa")}`);
  if (keda)
    return fails(
      "CallMetricsMissing",
      `KEDA gets no number of calls of pool ${pool} from ${keda.prometheusUrl}: there is none before the first call. Else: does Prometheus answer there, and does it have what docs/scale.md says of this server? ${stays} ${said}`,
    );
  return fails(
    "CallMetricsMissing",
    `Nobody tells how many calls pool ${pool} gets: install KEDA and set prometheusUrl of anypod's chart, or an adapter with the rules in docs/scale.md. ${stays} ${said}`,
  );
}

function failing(state: PoolScaling): { failure: Failure; verdict: ScalingVerdict } | undefined {
  const { hpa, keda, pool } = state;
  const failure = failureOf(hpa);
  if (failure) return { failure, verdict: withoutNumbers(state, failure) };
  const ofKeda = failureOf(keda?.scaledObject);
  if (!ofKeda) return;
  const said = `KEDA says of it: ${sentence(ofKeda.message)}`;
  const message = `Pods of pool ${pool} aren't counted. ${said} See: ${look(state, "scaledobject")}`;
  return { failure: ofKeda, verdict: fails("AutoscalerFails", message) };
}

function notTaken(pool: string, { cannotTake }: KedaScaling): ScalingVerdict | undefined {
  if (cannotTake.length === 0) return;
  const fields = cannotTake.map((index) => `metrics[${index}]`).join(", ");
  return fails(
    "MetricsNotTaken",
    `KEDA counts the pods of pool ${pool}, as autoscaling goes by calls, and can't take ${fields}: of those, it knows cpu and memory only. Take them out, or write a ScaledObject of your own (docs/scale.md).`,
  );
}

interface Judged {
  verdict: ScalingVerdict | undefined;
  /** When what seems wrong now is no hiccup any more, in milliseconds. */
  after?: number;
}

function judge(state: PoolScaling, now: number): Judged {
  const found = asked(state) ?? beingHandedOver(state);
  if (found) return { verdict: found };
  const bad = failing(state);
  const starting = fails("AutoscalerStarting", `The autoscaler of pool ${state.pool} has no numbers yet.`);
  if (bad) {
    const after = Date.parse(bad.failure.since) + patience - now;
    return after > 0 ? { verdict: starting, after } : { verdict: bad.verdict };
  }
  if (!state.hpa?.works) return { verdict: starting };
  return { verdict: state.keda && notTaken(state.pool, state.keda) };
}

/**
 * The verdict, and when to judge again, in milliseconds; undefined when no autoscaler is asked for.
 * @param before what it was: it stands while what is wrong may be a hiccup
 * @param now milliseconds since the epoch
 */
export function scalingVerdict(
  states: PoolScaling[],
  before: ScalingVerdict | undefined,
  now: number,
): { verdict: ScalingVerdict | undefined; after?: number | undefined } {
  if (states.length === 0) return { verdict: undefined };
  const judged = states.map((state) => judge(state, now));
  const found = judged.find(({ verdict, after }) => verdict && after === undefined);
  const waits = judged.flatMap(({ after }) => after ?? []);
  const after = waits.length > 0 ? Math.min(...waits) : undefined;
  const hiccup = judged.find(({ verdict }) => verdict)?.verdict;
  return { verdict: found?.verdict ?? (hiccup ? (before ?? hiccup) : holds), after };
}
