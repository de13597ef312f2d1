// Whether a server's tasks are kept where all of its pods find them, and what to do when not. Pure.
import type { Condition } from "../api/mcpserver.ts";
import type { Engine } from "../api/task-store.ts";
import type { PodProblem, StoreAnswer, StoreState } from "./observed.ts";
import { hints } from "./pod-problem.ts";

/** The condition TaskStoreReady, but for its times. */
export type StoreVerdict = Pick<Condition, "status" | "reason" | "message">;

const holds = (message: string): StoreVerdict => ({ status: "True", reason: "TaskStoreAnswers", message });
const fails = (reason: string, message: string): StoreVerdict => ({ status: "False", reason, message });

const names: Record<Engine, string> = { redis: "Redis", postgresql: "PostgreSQL" };

/** The field that the store comes from. */
const field = (engine: Engine, source: string) => `spec.taskStore.${engine}.${source}`;

type Of<S extends StoreState["source"]> = Extract<StoreState, { source: S }>;

/** Why a volume isn't there stands with the claim, not with the pod. */
const isAboutVolume = ({ reason, message }: PodProblem) =>
  reason === "Unschedulable" && /PersistentVolumeClaim|volume/i.test(message);

function podProblem({ engine, namespace, name, problem }: Of<"managed"> & { problem: PodProblem }): StoreVerdict {
  const { pod, reason, message, exitCode } = problem;
  const claim = `data-${name}-0`;
  if (isAboutVolume(problem))
    return fails(
      "VolumeNotBound",
      `${names[engine]} has no volume (${message}). Is there a storage class as ${field(engine, "managed")}.storageClassName says? See: kubectl get storageclass; kubectl -n ${namespace} describe pvc ${claim}`,
    );
  if (/No space left on device/.test(message)) return diskFull(engine, namespace, name, message);
  const ended = exitCode === undefined ? "" : ` (it ended with exit code ${exitCode})`;
  const said = message === "" ? "" : ` ${message.replace(/\.$/, "")}.`;
  const hint = { ErrImagePull: imageHint(engine), ImagePullBackOff: imageHint(engine) }[reason] ?? hints[reason];
  const look = reason === "CrashLoopBackOff" ? `logs --previous ${pod}` : `describe pod ${pod}`;
  return fails(
    reason,
    `${names[engine]} in pod ${pod} doesn't run${ended}:${said} ${hint ?? "see the pod"}: kubectl -n ${namespace} ${look}`,
  );
}

const imageHint = (engine: Engine) =>
  `check ${field(engine, "managed")}.version, and the operator's --${engine}-image if the image comes from a registry of yours`;

const diskFull = (engine: Engine, namespace: string, name: string, said: string): StoreVerdict =>
  fails(
    "VolumeFull",
    `The volume of ${names[engine]} is full (${said}): no task can be made or changed, and none is lost. Make it larger: kubectl -n ${namespace} edit pvc data-${name}-0 (docs/task-stores.md has the steps).`,
  );

function managed(state: Of<"managed">): StoreVerdict {
  const { engine, namespace, name, object, problem, unready, began } = state;
  if (object?.ready) return holds(`${names[engine]} (StatefulSet ${name}) takes calls.`);
  if (problem) return podProblem({ ...state, problem });
  if (unready && /MISCONF|volume is full|No space left/.test(unready))
    return diskFull(engine, namespace, name, unready);
  const look = `kubectl -n ${namespace} describe pod ${name}-0`;
  if (unready) return fails("TaskStoreDown", `${names[engine]} in pod ${name}-0 isn't ready: ${unready}. See: ${look}`);
  if (began)
    return fails("TaskStoreDown", `${names[engine]} (StatefulSet ${name}) has no pod that takes calls: ${look}`);
  return fails(
    "TaskStoreStarting",
    `${names[engine]} (StatefulSet ${name}) is starting; pods are made when it answers.`,
  );
}

function byOperator({ kind, name, namespace, installed, object }: Of<"operator">): StoreVerdict {
  if (!installed)
    return fails(
      `${kind}NotInstalled`,
      `The cluster has no kind ${kind}, or anypod may not see it: install the operator that it comes with (docs/task-stores.md says which), or change spec.taskStore.`,
    );
  if (object?.ready) return holds(`${kind} ${name} takes calls.`);
  const said = object?.said ? ` It says: ${object.said}.` : "";
  const plural = { Cluster: "clusters.postgresql.cnpg.io" }[kind] ?? kind.toLowerCase();
  return fails(
    "TaskStoreStarting",
    `${kind} ${name} has no primary that takes calls yet.${said} See: kubectl -n ${namespace} describe ${plural} ${name}`,
  );
}

const refusals: Record<Exclude<StoreAnswer, { ok: true }>["why"], (said: string) => StoreVerdict> = {
  url: (said) => fails("InvalidURL", `can't be used: ${said}`),
  unreachable: (said) =>
    fails(
      "TaskStoreUnreachable",
      `can't be reached from the operator (${said}): check its host and port, that the store runs, and that NetworkPolicies and firewalls let the operator and this server's pods through`,
    ),
  refused: (said) => fails("LoginRefused", `refuses the login (${said}): correct user and password in the Secret`),
  certificate: (said) =>
    fails(
      "CertificateRefused",
      `shows a certificate that can't be trusted (${said}): name the CA that it comes from in caSecretKeyRef, and the host as the certificate has it`,
    ),
  failing: (said) => fails("TaskStoreFails", `answers with an error (${said}): look after the store`),
};

function byUrl({ engine, namespace, secret, lacks, answer }: Of<"url">): StoreVerdict | undefined {
  const at = field(engine, "url");
  if (lacks?.key !== undefined)
    return fails(
      "SecretKeyNotFound",
      `Secret ${lacks.name} in namespace ${namespace} has no key ${lacks.key}, which ${at} names: add it, or correct the spec.`,
    );
  if (lacks)
    return fails(
      "SecretNotFound",
      `Secret ${lacks.name} isn't in namespace ${namespace}, and ${at} names it: create it, or correct the spec.`,
    );
  if (answer === undefined) return;
  if (answer === "not asked")
    return holds(
      `The URL in Secret ${secret.name} is used as it is: the operator runs with --no-probe, and asks no store.`,
    );
  if (answer.ok) return holds(`${names[engine]} at the URL in Secret ${secret.name} takes calls.`);
  const { reason, message } = refusals[answer.why](answer.said);
  return fails(reason, `${names[engine]} at the URL in Secret ${secret.name} (key ${secret.key}) ${message}.`);
}

function byRef({ name, namespace, found, condition }: Of<"ref">): StoreVerdict {
  if (found === "missing")
    return fails(
      "TaskStoreNotFound",
      `spec.taskStore.ref names McpServer ${name}, which isn't in namespace ${namespace}: create it, or correct the spec. Pods stay as they are until then.`,
    );
  if (found === "without store")
    return fails(
      "TaskStoreNotFound",
      `McpServer ${name}, which spec.taskStore.ref names, has no store of its own: give it one, or name the server that has it. Pods stay as they are until then.`,
    );
  if (condition?.status === "True") return holds(`The store of McpServer ${name} takes calls.`);
  return fails(
    condition?.reason ?? "TaskStoreStarting",
    `The store of McpServer ${name}: ${condition?.message ?? "it isn't there yet."}`,
  );
}

const withoutStore = fails(
  "TasksWithoutStore",
  "The server says that it makes tasks, and it may have several pods and no spec.taskStore: a task is known to the pod that made it alone, and other pods deny it. Give it a task store (docs/task-stores.md), or one pod.",
);

const isSame = (a: StoreVerdict | undefined, b: StoreVerdict) => a?.reason === b.reason;

/**
 * The verdict; undefined when the server needs no store.
 * @param before what it was: it stands while nobody knows better, as after a start of the operator
 */
export function storeVerdict(state: StoreState, before: StoreVerdict | undefined): StoreVerdict | undefined {
  switch (state.source) {
    case "managed":
      return managed(state);
    case "operator":
      return byOperator(state);
    case "ref":
      return byRef(state);
    case "url":
      return byUrl(state) ?? before ?? fails("TaskStoreStarting", "The store is being asked whether it takes calls.");
    case "none":
      // Not known: what was told stands.
      if (state.makesTasks === undefined) return isSame(before, withoutStore) ? before : undefined;
      return state.makesTasks ? withoutStore : undefined;
  }
}
