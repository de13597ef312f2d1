// Laws that every recorded version of every server of this run has to keep.
import { must } from "../judge.ts";
import type { Scenario } from "../scenario.ts";

const transitionTimes: Scenario = {
  number: 36,
  name: "transition times move only on change",
  quick: true,
  alone: true,
  play(stage) {
    const { history } = stage.theatre.run;
    const { versions, servers } = history.counts();
    const problems = history.problems();
    stage.say(`${versions} versions of ${servers} servers recorded by a watch of its own`);
    must(versions > 0, "nothing has been recorded: play another scenario before this one");
    must(problems.length === 0, `${problems.length} broke a law:\n${problems.slice(0, 10).join("\n")}`);
    return Promise.resolve();
  },
};

export const laws: Scenario[] = [transitionTimes];
