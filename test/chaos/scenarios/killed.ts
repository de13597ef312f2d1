// The operator dies in the middle of its work.
import type { TestKube } from "../../support/kube.ts";
import { eventually } from "../../support/wait.ts";
import { judge, lastState, reach, statesOfStory } from "../judge.ts";
import type { Operator } from "../operator.ts";
import type { Proxy } from "../proxy.ts";
import type { Rule } from "../rules.ts";
import type { Scenario } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { type Step, serverName, story } from "../story.ts";

/** Holds the k-th write, before or after the API server hears of it, and keeps all later ones from it. */
const stopAtWrite = (k: number, at: "before" | "after", namespace: string): Rule[] => [
  { name: `killed ${at} a write`, match: { write: true, namespace }, fault: { kind: "hold", at }, when: { nth: k } },
  { name: "later writes", match: { write: true, namespace }, fault: { kind: "hold", at: "before" }, when: { from: k + 1 } },
];

interface Act {
  stage: Stage;
  kube: TestKube;
  proxy: Proxy;
}

const start = ({ stage, kube, proxy }: Act) => stage.operator(proxy, "--namespace", kube.namespace);

/** Waits until the write is reached and kills the operator; false when it never is: the state has been reached before. */
async function killedAtWrite({ stage, kube, proxy }: Act, operator: Operator, goal: object): Promise<boolean> {
  let done = false;
  const finished = reach(stage, [kube.namespace], goal as Record<string, unknown>).then(
    () => (done = true),
    () => {},
  );
  await eventually("a write is held, or all is done", () => done || proxy.held() > 0, 90);
  const wasHeld = proxy.held() > 0;
  await operator.kill("SIGKILL");
  proxy.drop();
  proxy.rules();
  await finished;
  return wasHeld;
}
