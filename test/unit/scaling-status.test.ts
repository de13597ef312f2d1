// What AutoscalingReady says, for all that can be known of what counts a server's pods.
import { describe, expect, test } from "vitest";
import type { AutoscalerState, KedaScaling, PoolScaling } from "../../operator/status/observed.ts";
import { type ScalingVerdict, scalingVerdict } from "../../operator/status/scaling.ts";

const now = Date.parse("2026-07-28T12:00:00Z");
const longAgo = "2026-07-28T11:00:00Z";
const justNow = "2026-07-28T11:59:50Z";

const counts: AutoscalerState = { byKeda: false, paused: false, works: { holds: true } };
const fails = (reason: string, message = "no numbers", since = longAgo): AutoscalerState => ({
  ...counts,
  works: { holds: false, reason, message, since },
});
const byCpu: PoolScaling = {
  namespace: "shop",
  pool: "main",
  name: "basket",
  countsCalls: false,
  isOff: false,
  hpa: counts,
  keda: undefined,
  lacksPrometheus: false,
};
const byCalls = { ...byCpu, countsCalls: true };
const keda: KedaScaling = {
  prometheusUrl: "http://prometheus",
  scaledObject: counts,
  refused: undefined,
  cannotTake: [],
};
const unsure = { ...counts, works: undefined };
const ofKeda = { ...counts, byKeda: true };
const byKeda: PoolScaling = { ...byCalls, hpa: ofKeda, keda };
const before: ScalingVerdict = { status: "True", reason: "AutoscalerCounts", message: "before" };
const of = (...states: PoolScaling[]) => scalingVerdict(states, undefined, now);

test("a server that asks for no autoscaler is told nothing of it", () => {
  expect(scalingVerdict([], before, now)).toEqual({ verdict: undefined });
});

describe("all is well", () => {
  test.each<[string, PoolScaling]>([
    ["with an autoscaler that has its numbers", byCpu],
    ["with an adapter that tells of calls", byCalls],
    ["with KEDA", byKeda],
    ["with KEDA that isn't sure of all of its triggers", { ...byKeda, keda: { ...keda, scaledObject: unsure } }],
  ])("%s", (_, state) => {
    expect(of(byCpu, state)).toEqual({ verdict: expect.objectContaining({ status: "True" }), after: undefined });
  });
});

describe("what is wrong is told, and what to do", () => {
  test.each<[string, PoolScaling, string, RegExp]>([
    ["no word yet", { ...byCpu, hpa: undefined }, "AutoscalerStarting", /no numbers yet/],
    [
      "an autoscaler without a condition",
      { ...byCpu, hpa: { ...counts, works: undefined } },
      "AutoscalerStarting",
      /./,
    ],
    [
      "no metrics-server",
      { ...byCpu, hpa: fails("FailedGetResourceMetric") },
      "ResourceMetricsMissing",
      /is metrics-server installed.* stays as it is.* no numbers\.$/,
    ],
    [
      "no adapter",
      { ...byCalls, hpa: fails("FailedGetExternalMetric") },
      "CallMetricsMissing",
      /install KEDA and set prometheusUrl of anypod's chart, or an adapter/,
    ],
    [
      "a metric of the user's own that nobody serves",
      { ...byCpu, hpa: fails("FailedGetExternalMetric") },
      "AutoscalerFails",
      /kubectl -n shop describe hpa basket/,
    ],
    [
      "two autoscalers for the same pods",
      { ...byCpu, hpa: fails("AmbiguousSelector", "controlled by multiple HPAs") },
      "AutoscalerFails",
      /controlled by multiple HPAs\. See/,
    ],
    [
      "KEDA without Prometheus' address",
      { ...byCalls, hpa: fails("FailedGetExternalMetric"), lacksPrometheus: true },
      "PrometheusNotKnown",
      /set prometheusUrl/,
    ],
    [
      "Prometheus without a number",
      { ...byKeda, hpa: { ...fails("FailedGetExternalMetric"), byKeda: true } },
      "CallMetricsMissing",
      /from http:\/\/prometheus: there is none before the first call/,
    ],
    [
      "KEDA that takes no notice",
      { ...byKeda, hpa: counts, keda: { ...keda, scaledObject: { ...counts, works: undefined } } },
      "AutoscalerStarting",
      /does its operator run\? kubectl -n shop describe scaledobject basket/,
    ],
    [
      "KEDA that can't do it",
      { ...byKeda, hpa: undefined, keda: { ...keda, scaledObject: fails("ScaledObjectCheckFailed", "no triggers") } },
      "AutoscalerFails",
      /KEDA says of it: no triggers\./,
    ],
    [
      "a ScaledObject that is refused",
      { ...byKeda, hpa: undefined, keda: { ...keda, scaledObject: undefined, refused: "managed by the hpa 'x'" } },
      "Rejected",
      /managed by the hpa 'x'\. The number of pods stays/,
    ],
    [
      "a ScaledObject that somebody has paused",
      { ...byKeda, hpa: undefined, keda: { ...keda, scaledObject: { ...counts, paused: true } } },
      "AutoscalerPaused",
      /take autoscaling\.keda\.sh\/paused… off/,
    ],
    ["KEDA that holds on", { ...byCpu, hpa: ofKeda }, "AutoscalerStarting", /take its finalizer out/],
    [
      "metrics that KEDA can't take",
      { ...byKeda, keda: { ...keda, cannotTake: [0, 2] } },
      "MetricsNotTaken",
      /can't take metrics\[0\], metrics\[2\]/,
    ],
    [
      "zero pods by somebody's hand",
      { ...byCpu, isOff: true, hpa: fails("ScalingDisabled") },
      "ScaledToZero",
      /scale deployment basket --replicas=1/,
    ],
  ])("%s", (_, state, reason, message) => {
    const { verdict } = of(byCpu, state);
    expect(verdict).toMatchObject({ status: "False", reason });
    expect(verdict?.message).toMatch(message);
  });
});

describe("what has only just gone wrong", () => {
  const hiccup = { ...byCpu, hpa: fails("FailedGetResourceMetric", "no numbers", justNow) };

  test("is no news yet, and looked at again when it is", () => {
    expect(scalingVerdict([hiccup], before, now)).toEqual({ verdict: before, after: 50_000 });
    expect(scalingVerdict([hiccup], before, now + 50_000).verdict).toMatchObject({ reason: "ResourceMetricsMissing" });
  });

  test("is a start when there was nothing before", () => {
    expect(of(hiccup).verdict).toMatchObject({ status: "False", reason: "AutoscalerStarting" });
  });

  test("doesn't hide what is wrong with another pool", () => {
    const lasting = { ...byCpu, hpa: fails("FailedGetResourceMetric") };
    expect(scalingVerdict([hiccup, lasting], before, now).verdict).toMatchObject({ reason: "ResourceMetricsMissing" });
  });
});
