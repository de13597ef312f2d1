// The operator dies in the middle of its work.
import { eventually } from "../../support/wait.ts";
import { isReached, judge, lastState, statesOfStory, Verdict } from "../judge.ts";
import { lanes } from "../lanes.ts";
import type { Rule } from "../rules.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { serverName, story } from "../story.ts";

type Place = "before" | "after";

/** Holds the k-th write, before or after the API server hears of it, and keeps all later ones from it. */
const stopAtWrite = (k: number, at: Place): Rule[] => [
  { name: `killed ${at} the write`, match: { write: true }, fault: { kind: "hold", at }, when: { nth: k } },
  { name: "later writes", match: { write: true }, fault: { kind: "hold", at: "before" }, when: { from: k + 1 } },
];

/** The whole story in a namespace of its own; in each step the operator is killed once, at its k-th write. */
async function tellWithKills(stage: Stage, k: number, at: Place): Promise<number> {
  const states = await statesOfStory(stage);
  const [kube, proxy] = await Promise.all([stage.namespace(), stage.proxy()]);
  const start = () => stage.operator(proxy, "--namespace", kube.namespace);
  let operator = start();
  let kills = 0;
  for (const [index, { spec, name }] of story.entries()) {
    const goal = states[index] ?? {};
    proxy.rules(...stopAtWrite(k, at));
    await kube.applyServer(serverName, spec);
    const arrived = () => isReached(stage.theatre, kube.namespace, goal);
    await eventually(`write ${k} of ${name} is held, or all is done`, () => proxy.held() > 0 || arrived(), 60);
    const wasHeld = proxy.held() > 0;
    if (wasHeld) await operator.kill("SIGKILL");
    proxy.drop();
    proxy.rules();
    if (!wasHeld) continue;
    kills++;
    operator = start();
    await eventually(`the state of ${name} after the kill`, arrived, 60);
  }
  await judge(stage, [kube.namespace], await lastState(stage), 1);
  await operator.kill("SIGKILL");
  return kills;
}

const killedAtEveryWrite: Scenario = {
  number: 1,
  name: "killed before and after every write",
  quick: true,
  async play(stage) {
    await statesOfStory(stage);
    const places: Place[] = ["before", "after"];
    // More than any step has.
    const positions = Array.from({ length: 14 }, (_, index) => index + 1);
    const acts = positions.flatMap((k) => places.map((at) => ({ k, at })));
    // In the quick part a quarter of them, every position within four seeds.
    const played = stage.whole ? acts : acts.filter((_, index) => (index + stage.seed) % 4 === 0);
    let kills = 0;
    await lanes(3, played, async ({ k, at }) => {
      try {
        const killed = await tellWithKills(stage, k, at);
        kills += killed;
      } catch (error) {
        throw new Verdict(`killed ${at} write ${k}: ${(error as Error).message}`);
      }
    });
    stage.say(`${kills} kills at ${played.length} of ${acts.length} places in each of ${story.length} steps`);
  },
};

export const killed: Scenario[] = [killedAtEveryWrite];
