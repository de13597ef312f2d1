// What may stand in the values of the charts anypod and anypod-crds. Their values.yaml holds the defaults and says what each
// value is for.
import * as z from "zod";
import { intOrPercent, resources } from "../../operator/api/core.ts";
import { alertNames } from "./alerts.ts";

const strings = z.record(z.string(), z.string());
/** A piece of Kubernetes' own API, which the API server checks. */
const native = z.looseObject({});
const port = z.int().min(1).max(65535);
const duration = z.string().regex(/^([0-9]+(ms|s|m|h))+$/);
/** Empty where there is a default that the chart computes. */
const orEmpty = (pattern: string) => z.string().regex(new RegExp(`^(${pattern})?$`));
const dnsLabel = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?";
/** What Helm itself puts among a chart's values, or looks for there, when it is a part of another chart. */
export const asDependency = { global: native.optional(), enabled: z.boolean().optional() };

const image = z.strictObject({
  repository: z.string().regex(/^[a-z0-9][a-zA-Z0-9._:/-]*[a-zA-Z0-9]$/),
  tag: orEmpty("[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}"),
  digest: orEmpty("sha256:[a-f0-9]{64}"),
  pullPolicy: z.enum(["Always", "IfNotPresent", "Never"]),
});

const metrics = z.strictObject({
  enabled: z.boolean(),
  port,
  service: z.strictObject({ annotations: strings }),
  serviceMonitor: z.strictObject({
    enabled: z.boolean(),
    labels: strings,
    interval: duration,
    metricRelabelings: z.array(native),
  }),
  prometheusRule: z.strictObject({
    enabled: z.boolean(),
    labels: strings,
    disabled: z.array(z.enum(alertNames())),
    runbook: z.string(),
  }),
  dashboard: z.strictObject({
    enabled: z.boolean(),
    labels: strings,
    annotations: strings,
    namespace: orEmpty(dnsLabel),
  }),
});

/** Optional is what can be left out altogether: null instead of the default. */
export const operatorValues = z.strictObject({
  ...asDependency,
  replicas: z.int().min(0),
  image,
  imagePullSecrets: z.array(z.strictObject({ name: z.string() })).optional(),
  watchNamespaces: z.array(z.string().regex(new RegExp(`^${dnsLabel}$`))),
  selector: z.string(),
  workers: z.int().min(1),
  logLevel: z.enum(["trace", "debug", "info", "warn", "error"]),
  tracing: z.strictObject({
    endpoint: orEmpty("https?://[^\\s/?#]+(/[^\\s?#]*)?"),
    samplingPercent: z.number().min(0).max(100),
  }),
  taskStores: z.strictObject({ probe: z.boolean(), redisImage: z.string().min(1), postgresqlImage: z.string().min(1) }),
  collectorImage: z.string().min(1),
  prometheusUrl: orEmpty("https?://[^\\s/?#]+(/[^\\s?#]*)?"),
  extraArgs: z.array(z.string()),
  extraEnv: z.array(z.looseObject({ name: z.string() })),
  rbac: z.strictObject({ create: z.boolean(), clusterScoped: z.boolean(), aggregate: z.boolean() }),
  serviceAccount: z.strictObject({ create: z.boolean(), name: z.string(), annotations: strings }),
  resources: resources.optional(),
  podDisruptionBudget: z.strictObject({ enabled: z.boolean(), maxUnavailable: intOrPercent }),
  priorityClassName: z.string().optional(),
  nodeSelector: strings.optional(),
  tolerations: z.array(native).optional(),
  affinity: native.optional(),
  topologySpreadConstraints: z.array(native).optional(),
  podAnnotations: strings,
  podLabels: strings,
  podSecurityContext: native.optional(),
  securityContext: native.optional(),
  terminationGracePeriodSeconds: z.int().min(5),
  metrics,
  networkPolicy: z.strictObject({ enabled: z.boolean(), metricsFrom: z.array(native), egress: z.array(native) }),
  commonLabels: strings,
  commonAnnotations: strings,
  nameOverride: z.string(),
  fullnameOverride: z.string(),
});

export const crdsValues = z.strictObject({
  ...asDependency,
  keep: z.boolean(),
  annotations: strings,
  labels: strings,
});
