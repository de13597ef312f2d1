// What GitOps tools make of the statuses that anypod really writes: Flux by kstatus, Argo CD by docs/gitops/argo-cd/health.lua.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "js-yaml";
import { expect, inject, test } from "vitest";
import { crd } from "../../operator/api/crd.ts";
import { apiVersion, kind, type SpecInput, type Status } from "../../operator/api/mcpserver.ts";
import { poolsOf } from "../../operator/desired/pool.ts";
import { computeStatus, type StatusInput } from "../../operator/status/index.ts";
import type { DeploymentState } from "../../operator/status/observed.ts";
import { serverOf } from "../support/arbitraries.ts";
import { root } from "../support/processes.ts";

const running: DeploymentState = {
  ...{ desired: 2, replicas: 2, updated: 2, ready: 2, available: 2 },
  ...{ ownsReplicas: true, current: true, configHash: "hash", deadlineExceeded: false, replicaFailure: undefined },
};

interface Case {
  spec?: Partial<SpecInput>;
  /** Of every pool's Deployment; null: there is none. */
  pods?: Partial<DeploymentState> | null;
  evidence?: Partial<StatusInput>;
  metadata?: object;
}

/** An McpServer as it would be in the cluster, with the status that the operator computes. */
function observed({ spec = {}, pods = {}, evidence = {}, metadata = {} }: Case): object {
  const written = { image: "basket", replicas: 2, ...spec };
  const server = serverOf("basket", written, "uid");
  const pools = poolsOf(server);
  const deployments = new Map(pods ? pools.map(({ objectName }) => [objectName, { ...running, ...pods }]) : []);
  const status = computeStatus({
    server: { metadata: server.metadata, spec: server.spec, problems: [], status: {} },
    ...{ pools, deployments, obstacles: [], missing: [], podProblems: [], now: "2026-01-02T03:04:05Z" },
    ...evidence,
  });
  return objectOf(written, status, metadata);
}
const objectOf = (spec: object, status: Status | undefined, metadata: object = {}) => ({
  apiVersion,
  kind,
  metadata: { name: "basket", namespace: "shop", generation: 1, ...metadata },
  spec,
  ...(status && { status }),
});

type Schema = { properties: { status: { default: Status } } };
/** What the API server shows until anypod has written a status. */
const unobserved = () => {
  const { spec } = crd() as { spec: { versions: { schema: { openAPIV3Schema: Schema } }[] } };
  return spec.versions[0]!.schema.openAPIV3Schema.properties.status.default;
};

const foreign = { kind: "Service", name: "basket", why: "foreign" as const, message: "" };
const crash = {
  ...{ pod: "basket-1", pool: "main", createdAt: "2026-01-01T00:00:00Z", container: "server" },
  ...{ reason: "CrashLoopBackOff", message: "back-off", exitCode: 1 },
};
const none = { desired: 0, replicas: 0, updated: 0, ready: 0, available: 0 };

const cases: [what: string, object: object, flux: string, argo: string, message: RegExp][] = [
  ["that is as it should be", observed({}), "Current", "Healthy", /All pools run what the spec says/],
  ["that was just created", objectOf({ image: "a" }, unobserved()), "InProgress", "Progressing", /Waiting for anypod/],
  ["whose pods are yet to come", observed({ pods: null }), "InProgress", "Progressing", /being rolled out/],
  ["that rolls out", observed({ pods: { updated: 1 } }), "InProgress", "Progressing", /being rolled out/],
  [
    "whose pods crash",
    observed({ pods: { available: 0 }, evidence: { podProblems: [crash] } }),
    "InProgress",
    "Progressing",
    /kubectl -n shop logs/,
  ],
  ["whose rollout is stuck", observed({ pods: { updated: 1, deadlineExceeded: true } }), "Failed", "Degraded", /stuck/],
  [
    "that is refused",
    observed({ evidence: { obstacles: [{ ...foreign, why: "rejected" }] } }),
    "Failed",
    "Degraded",
    /refuses Service basket/,
  ],
  [
    "in whose place is somebody else's object",
    observed({ evidence: { obstacles: [foreign] } }),
    "Failed",
    "Degraded",
    /delete or rename/,
  ],
  [
    "with a newer spec than was looked at",
    observed({ metadata: { generation: 2 } }),
    "InProgress",
    "Progressing",
    /Waiting for anypod/,
  ],
  [
    "that is being deleted",
    observed({ metadata: { deletionTimestamp: "2026-01-02T03:04:05Z" } }),
    "Terminating",
    "Progressing",
    /Being deleted/,
  ],
  ["that is paused", observed({ spec: { paused: true } }), "Current", "Suspended", /spec\.paused/],
  [
    "that is paused in the middle of a rollout",
    observed({ spec: { paused: true }, pods: { updated: 1 } }),
    "InProgress",
    "Suspended",
    /spec\.paused/,
  ],
  [
    "that is paused with a newer spec than was looked at",
    observed({ spec: { paused: true }, metadata: { generation: 2 } }),
    "InProgress",
    "Progressing",
    /Waiting for anypod/,
  ],
  ["that is scaled to zero", observed({ spec: { replicas: 0 }, pods: none }), "Current", "Healthy", /zero/],
];

interface Answer {
  flux: { status: string; message: string };
  argo: { status: string; message: string };
}
const script = join(root, "docs/gitops/argo-cd/health.lua");
const read = (objects: object[], lua = script): Answer[] =>
  execFileSync(inject("reading"), [lua], {
    input: objects.map((object) => `${JSON.stringify(object)}\n`).join(""),
    encoding: "utf8",
  })
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));

test.each(cases)("a server %s", (_, object, ...[flux, argo, message]) => {
  const [answer] = read([object]);
  expect(answer).toMatchObject({ flux: { status: flux }, argo: { status: argo } });
  expect(answer?.argo.message).toMatch(message);
});

test("without the status that the CustomResourceDefinition begins with, kstatus would take a new server for ready", () => {
  expect(read([objectOf({ image: "a" }, undefined)])[0]?.flux.status).toBe("Current");
});

test("the example's ConfigMap has the very script", () => {
  const file = readFileSync(join(root, "examples/gitops/argo-cd/argocd-cm.yaml"), "utf8");
  const { data } = load(file) as { data: Record<string, string> };
  expect(data["resource.customizations.health.anypod.dev_McpServer"]).toBe(readFileSync(script, "utf8"));
});
