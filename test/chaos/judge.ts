// Whether a run has ended as it should: the same objects as without faults, none too many, and then no write.
import { setTimeout as delay } from "node:timers/promises";
import type { AnyObject, TestKube } from "../support/kube.ts";
import { eventually } from "../support/wait.ts";
import type { Write } from "./audit.ts";
import { canonical, differences, type State } from "./canonical.ts";
import { snapshot } from "./snapshot.ts";
import type { Stage, Theatre } from "./stage.ts";
import { serverName, story } from "./story.ts";

/** A broken promise of the operator's. */
export class Verdict extends Error {}

export function must(holds: boolean, what: string): void {
  if (!holds) throw new Verdict(what);
}

export async function stateOf({ client, kinds }: Theatre, namespace: string): Promise<State> {
  return canonical((await snapshot(client, kinds, namespace)).get(namespace) ?? []);
}

const serversOf = (state: State) =>
  Object.fromEntries(Object.entries(state).filter(([id]) => id.startsWith("McpServer/")));

/** Where the namespaces differ from the state, a line each. */
async function problemsOf(
  { client, kinds }: Theatre,
  namespaces: readonly string[],
  expected: State,
): Promise<string[]> {
  const only = namespaces.length === 1 ? namespaces[0] : undefined;
  const compare = async (looked: typeof kinds, state: State) => {
    const all = await snapshot(client, looked, only);
    return namespaces.flatMap((each) =>
      differences(state, canonical(all.get(each) ?? [])).map((problem) => `${each}: ${problem}`),
    );
  };
  // Most often the servers' own status is what is awaited, and it costs one list to see.
  const servers = kinds.filter(({ kind }) => kind === "McpServer");
  const problems = await compare(servers, serversOf(expected));
  return problems.length > 0 ? problems : compare(kinds, expected);
}

export async function isReached(theatre: Theatre, namespace: string, expected: State): Promise<boolean> {
  return (await problemsOf(theatre, [namespace], expected)).length === 0;
}

/** Waits until every namespace is in the state; returns how long that took, in milliseconds. */
export async function reach(
  stage: Stage,
  namespaces: readonly string[],
  expected: State,
  seconds = 60,
): Promise<number> {
  const began = Date.now();
  let problems: string[] = [];
  const arrived = async () => {
    problems = await problemsOf(stage.theatre, namespaces, expected);
    return problems.length === 0;
  };
  try {
    await eventually("the state is reached", arrived, seconds);
  } catch {
    const more = problems.length > 6 ? `\n  … and ${problems.length - 6} more` : "";
    throw new Verdict(
      `after ${seconds} s the objects still differ from those of a run without faults:\n  ${problems.slice(0, 6).join("\n  ")}${more}`,
    );
  }
  return Date.now() - began;
}

export const writesIn = ({ audit }: Theatre, namespaces: readonly string[]): Write[] =>
  audit.writes().filter(({ namespace }) => namespaces.includes(namespace));

export const shownWrite = ({ verb, resource, name, subresource, code }: Write) =>
  `${verb} ${resource}/${name}${subresource === "" ? "" : `/${subresource}`} → ${code}`;

/** How long the last consequences of what has been done may take to be written. */
const settling = 10_000;

/** Waits for as long as nothing may be written; what was still under way has ten seconds to end. */
export async function quiet(stage: Stage, namespaces: readonly string[], seconds = stage.quietSeconds): Promise<void> {
  const began = Date.now();
  const before = writesIn(stage.theatre, namespaces).length;
  let count = before;
  let since = began;
  while (Date.now() - since < seconds * 1000) {
    await delay(100);
    const writes = writesIn(stage.theatre, namespaces);
    if (writes.length === count) continue;
    count = writes.length;
    since = Date.now();
    const late = writes.slice(before).map(shownWrite).slice(-5).join(", ");
    must(since - began < settling, `it still writes ${((since - began) / 1000).toFixed(1)} s after the end: ${late}`);
  }
}

/** The whole verdict: the state is reached, it stays, and nothing is written any more. */
export async function judge(stage: Stage, namespaces: readonly string[], expected: State, seconds = 60): Promise<void> {
  await reach(stage, namespaces, expected, seconds);
  await quiet(stage, namespaces);
  await reach(stage, namespaces, expected, 1);
}

/** Whether all pods that a Deployment asks for are there and ready, of its latest template. */
function isWhole({ spec, status, metadata }: AnyObject): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0, readyReplicas = 0 } = status ?? {};
  const counts: number[] = [replicas, updatedReplicas, readyReplicas];
  return observedGeneration === metadata.generation && counts.every((count) => count === spec.replicas);
}

/** Waits until the server says Ready of its latest spec, and knows of all of its pods. */
export async function ready(kube: TestKube, name = serverName, seconds = 60): Promise<void> {
  await kube.condition(name, "Ready", { status: "True" }, seconds);
  await eventually(
    `${name} knows of all of its pods`,
    async () => {
      const deployments = await kube.list("Deployment", `anypod.dev/server=${name}`);
      const { status } = await kube.server(name);
      const known = (status?.pools ?? []).reduce((sum, { readyReplicas }) => sum + readyReplicas, 0);
      const wanted = deployments.reduce((sum, { spec }) => sum + Number(spec.replicas), 0);
      return deployments.every(isWhole) && known === wanted;
    },
    seconds,
  );
}

async function playStory(stage: Stage): Promise<State[]> {
  const operator = stage.operator(await stage.proxy());
  const kube = await stage.namespace();
  const states: State[] = [];
  for (const { spec } of story) {
    await kube.applyServer(serverName, spec);
    await ready(kube);
    await quiet(stage, [kube.namespace], 1);
    states.push(await stateOf(stage.theatre, kube.namespace));
  }
  await operator.kill("SIGKILL");
  return states;
}

/** The states that the steps of the story lead to without faults; found out once a run. */
export function statesOfStory(stage: Stage): Promise<State[]> {
  const { run } = stage.theatre;
  run.states ??= playStory(stage);
  return run.states;
}

export interface StepTold {
  index: number;
  name: string;
}

/** Tells the story in all namespaces at once: each step when the one before has led to its state. */
export async function tell(
  stage: Stage,
  kubes: readonly TestKube[],
  { before, seconds = 60 }: { before?: (step: StepTold) => Promise<void> | void; seconds?: number } = {},
): Promise<void> {
  const states = await statesOfStory(stage);
  const namespaces = kubes.map(({ namespace }) => namespace);
  for (const [index, { name, spec }] of story.entries()) {
    await before?.({ index, name });
    await Promise.all(kubes.map((kube) => kube.applyServer(serverName, spec)));
    await reach(stage, namespaces, states[index] ?? {}, seconds).catch((error: Error) => {
      throw new Verdict(`step '${name}': ${error.message}`);
    });
  }
}

/** The state in which the story ends. */
export async function lastState(stage: Stage): Promise<State> {
  return (await statesOfStory(stage)).at(-1) ?? {};
}
