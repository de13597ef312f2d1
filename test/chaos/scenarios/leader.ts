// Two operators, of which one may write: its death, its leave, and its sleep.
import type { TestKube } from "../../support/kube.ts";
import { eventually } from "../../support/wait.ts";
import type { Write } from "../audit.ts";
import { must, quiet, ready, writesIn } from "../judge.ts";
import type { Operator } from "../operator.ts";
import type { ChaosProxy } from "../proxy.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

interface Candidate {
  proxy: ChaosProxy;
  operator: Operator;
}

interface Election {
  stage: Stage;
  kube: TestKube;
  flags: string[];
  /** Changes the server, so that whoever leads has to write. */
  change(): Promise<void>;
  writesOf(candidate: Candidate): Write[];
}

async function candidate(stage: Stage, flags: string[]): Promise<Candidate> {
  const proxy = await stage.proxy();
  return { proxy, operator: stage.operator(proxy, ...flags) };
}

async function election(stage: Stage): Promise<Election> {
  const kube = await stage.namespace();
  let version = 0;
  return {
    ...{ stage, kube },
    flags: ["--namespace", kube.namespace, "--leader-elect", "--leader-elect-namespace", kube.namespace],
    async change() {
      await kube.applyServer("led", { image: `registry.example.com/basket-mcp:${++version}.0.0`, replicas: 1 });
    },
    writesOf: ({ proxy }) =>
      writesIn(stage.theatre, [kube.namespace]).filter(({ userAgent }) => userAgent === proxy.userAgent),
  };
}

/** Two candidates, the first of which leads. */
async function begin({ stage, kube, flags, change, writesOf }: Election): Promise<[Candidate, Candidate]> {
  const first = await candidate(stage, flags);
  await change();
  await ready(kube, "led");
  const second = await candidate(stage, flags);
  await eventually("the second one asks for the lease", () =>
    second.proxy.journal.some(({ resource }) => resource === "leases"),
  );
  await quiet(stage, [kube.namespace], 2);
  must(writesOf(second).length === 0, "two operators wrote at once");
  return [first, second];
}

/** Seconds from now until the candidate has written. */
async function takeover({ change, writesOf }: Election, next: Candidate): Promise<number> {
  const began = Date.now();
  const before = writesOf(next).length;
  await change();
  const [first] = await eventually(
    "the other one writes",
    () => {
      const writes = writesOf(next).slice(before);
      return writes.length > 0 && writes;
    },
    60,
  );
  return ((first?.at ?? Date.now()) - began) / 1000;
}

/** Lease and retry, and what the clock of a busy machine adds. */
const leaseAndRetry = 15 + 2 + 1;

const leaderKilled: Scenario = {
  number: 16,
  name: "leader killed, leader told to end",
  quick: true,
  async play(stage) {
    const arena = await election(stage);
    const [first, second] = await begin(arena);
    await first.operator.kill("SIGKILL");
    const afterKill = await takeover(arena, second);
    await ready(arena.kube, "led");
    const third = await candidate(stage, arena.flags);
    await eventually("the third one asks for the lease", () =>
      third.proxy.journal.some(({ resource }) => resource === "leases"),
    );
    second.operator.process.kill("SIGTERM");
    const afterTerm = await takeover(arena, third);
    await second.operator.ended;
    await ready(arena.kube, "led");
    await quiet(stage, [arena.kube.namespace]);
    stage.say(`takeover ${afterKill.toFixed(1)} s after SIGKILL, ${afterTerm.toFixed(1)} s after SIGTERM`);
    must(afterKill <= leaseAndRetry, `${afterKill.toFixed(1)} s from SIGKILL to the next write`);
    must(afterTerm <= 3, `${afterTerm.toFixed(1)} s from SIGTERM to the next write, and 2 s are allowed`);
  },
};

const leaderAsleep: Scenario = {
  number: 17,
  name: "leader stopped past its lease",
  quick: true,
  async play(stage) {
    const arena = await election(stage);
    const [first, second] = await begin(arena);
    // It has work in hand when it falls asleep.
    await arena.change();
    first.operator.process.kill("SIGSTOP");
    const took = await takeover(arena, second);
    await ready(arena.kube, "led");
    const before = arena.writesOf(first).length;
    await arena.change();
    first.operator.process.kill("SIGCONT");
    await arena.change();
    await ready(arena.kube, "led");
    await quiet(stage, [arena.kube.namespace]);
    const late = arena.writesOf(first).length - before;
    stage.say(`takeover ${took.toFixed(1)} s after SIGSTOP; ${late} writes by the old leader after SIGCONT`);
    stage.say(first.operator.alive() ? "the old leader lives on" : "the old leader has ended itself");
    must(late === 0, `the old leader wrote ${late} times`);
    must(took <= leaseAndRetry, `takeover took ${took.toFixed(1)} s`);
  },
};

export const leader: Scenario[] = [leaderKilled, leaderAsleep];
