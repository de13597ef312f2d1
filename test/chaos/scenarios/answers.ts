// Requests that go wrong: errors, lost answers, being told to wait, an API server that is away.
import { judge, lastState, tell } from "../judge.ts";
import { lanes } from "../lanes.ts";
import type { Rule } from "../rules.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";

const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);

/** A third of all requests fail. */
function unreliable(): Rule[] {
  return ([500, 503, 504] as const).map((status) => ({
    name: `answers ${status}`,
    match: {},
    fault: { kind: "answer", status },
    // Each of the three decides for itself: together 30 %.
    when: { chance: 0.112 },
  }));
}

async function playSeed(stage: Stage, seed: number): Promise<number> {
  const proxy = await stage.proxy(seed);
  proxy.rules(...unreliable());
  const kube = await stage.namespace();
  const operator = stage.operator(proxy, "--namespace", kube.namespace);
  try {
    await tell(stage, [kube], { seconds: 120 });
    await judge(stage, [kube.namespace], await lastState(stage));
  } catch (error) {
    throw new Error(`seed ${seed}: ${(error as Error).message}`);
  } finally {
    await operator.kill("SIGKILL");
    await proxy.stop();
  }
  return sum(proxy.injected());
}

const randomErrors: Scenario = {
  number: 11,
  name: "30 % random 500, 503 and 504",
  quick: true,
  async play(stage) {
    await lastState(stage);
    const seeds = Array.from({ length: stage.whole ? 100 : 5 }, (_, index) => stage.seed + index);
    let faults = 0;
    await lanes(3, seeds, async (seed) => {
      faults += await playSeed(stage, seed);
    });
    stage.say(`${seeds.length} seeds from ${stage.seed}, ${faults} requests answered with an error`);
  },
};

const lostAnswers: Scenario = {
  number: 12,
  name: "write done, answer lost",
  quick: true,
  async play(stage) {
    const kubes = await Promise.all(Array.from({ length: 14 }, () => stage.namespace()));
    const proxy = await stage.proxy();
    stage.operator(proxy);
    await tell(stage, kubes, {
      before: () =>
        proxy.rules(
          ...kubes.map(
            ({ namespace }, index): Rule => ({
              name: `answer to write ${index + 1} lost`,
              match: { write: true, namespace },
              fault: { kind: "reset", at: "after" },
              when: { nth: index + 1 },
            }),
          ),
        ),
    });
    await judge(
      stage,
      kubes.map(({ namespace }) => namespace),
      await lastState(stage),
    );
    stage.say(`${sum(proxy.injected())} answers lost: the n-th of each of four steps`);
  },
};

export const answers: Scenario[] = [randomErrors, lostAnswers];
