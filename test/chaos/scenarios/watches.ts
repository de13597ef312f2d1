// Watches that go wrong: events that never come, streams that end, break, freeze or say nonsense.
import { setTimeout as delay } from "node:timers/promises";
import { judge, lastState, reach, statesOfStory, tell, Verdict } from "../judge.ts";
import { fraction } from "../random.ts";
import type { EventFault, Rule } from "../rules.ts";
import { type Scenario, sum } from "../scenario.ts";
import type { Stage } from "../stage.ts";
import { serverName, story } from "../story.ts";

/** How many events of a kind a step may bring. */
const positions: Record<string, number> = {
  mcpservers: 4,
  deployments: 5,
  secrets: 1,
  services: 2,
  serviceaccounts: 1,
  networkpolicies: 1,
  horizontalpodautoscalers: 3,
  poddisruptionbudgets: 2,
  pods: 3,
};

interface Position {
  resource: string;
  nth: number;
}
const allPositions: Position[] = Object.entries(positions).flatMap(([resource, count]) =>
  Array.from({ length: count }, (_, index) => ({ resource, nth: index + 1 })),
);

/** In the quick part a seeded choice. */
function chosenPositions({ whole, seed }: Stage, count: number): Position[] {
  if (whole) return allPositions;
  const order = ({ resource, nth }: Position) => fraction(`${seed}|${resource}|${nth}`);
  return allPositions.toSorted((a, b) => order(a) - order(b)).slice(0, count);
}

const named = ({ resource, nth }: Position, what: string) => `${what}: event ${nth} of ${resource}`;

const hidden: Scenario = {
  number: 2,
  name: "one watch event hidden, at each position",
  quick: true,
  async play(stage) {
    const states = await statesOfStory(stage);
    const chosen = chosenPositions(stage, 10);
    const places = await Promise.all(chosen.map(async (position) => ({ position, kube: await stage.namespace() })));
    const namespaces = places.map(({ kube }) => kube.namespace);
    const proxy = await stage.proxy();
    await stage.operator(proxy).synced();
    let alone = 0;
    for (const [index, { spec, name }] of story.entries()) {
      proxy.rules(
        ...places.map(
          ({ position: { resource, nth }, kube: { namespace } }): Rule => ({
            name: named({ resource, nth }, "hidden"),
            match: { resource, namespace },
            fault: { kind: "hide" },
            when: { nth },
          }),
        ),
      );
      await Promise.all(places.map(({ kube }) => kube.applyServer(serverName, spec)));
      const goal = states[index] ?? {};
      // What was hidden stays unknown until the kind is listed again, as it is after every real loss of events.
      const unaided = await Promise.all(namespaces.map((each) => reach(stage, [each], goal, 2).catch(() => undefined)));
      alone += unaided.filter((took) => took !== undefined).length;
      // An event that comes only now would stay hidden for good.
      proxy.rules();
      for (const stream of proxy.streams()) stream.gone();
      await reach(stage, namespaces, goal).catch((error: Error) => {
        throw new Verdict(`step '${name}': ${error.message}`);
      });
    }
    await judge(stage, namespaces, await lastState(stage));
    stage.say(`${sum(proxy.injected())} events hidden at ${chosen.length} positions of ${story.length} steps;`);
    stage.say(`${alone} of ${places.length * story.length} times the end was right before the kind was listed again`);
  },
};

const gone: Scenario = {
  number: 4,
  name: "410 as an answer, and as an event in a stream",
  quick: true,
  async play(stage) {
    const proxy = await stage.proxy();
    const kube = await stage.namespace();
    await stage.operator(proxy).synced();
    const asAnswer = () => {
      proxy.rules({
        name: "410 as an answer",
        match: { verb: "watch" },
        fault: { kind: "answer", status: 410 },
        when: { times: 6 },
      });
      for (const stream of proxy.streams()) stream.end("end");
    };
    const asEvent = () =>
      proxy.rules(
        ...Object.keys(positions).map(
          (resource): Rule => ({
            name: "410 as an event",
            match: { resource, namespace: kube.namespace },
            fault: { kind: "gone" },
            when: { nth: 1 },
          }),
        ),
      );
    const before = proxy.journal.length;
    await tell(stage, [kube], { before: ({ index }) => (index % 2 === 0 ? asAnswer() : asEvent()) });
    await judge(stage, [kube.namespace], await lastState(stage));
    const lists = proxy.journal.slice(before).filter(({ verb }) => verb === "list").length;
    const faults = sum(proxy.injected());
    if (lists < faults) throw new Verdict(`after ${faults} times 410 there were ${lists} lists`);
    stage.say(`${faults} times 410, ${lists} lists after them`);
  },
};

/** The operator's own limit, above the longest watch. */
const idleSeconds = 330;

const halfOpen: Scenario = {
  number: 6,
  name: "half-open streams",
  quick: true,
  async play(stage) {
    const proxy = await stage.proxy();
    const kube = await stage.namespace();
    await stage.operator(proxy).synced();
    const seconds = stage.whole ? idleSeconds + 30 : 60;
    await tell(stage, [kube], {
      seconds,
      before: ({ index }) => {
        // In the whole suite one step lasts until the operator notices by itself.
        if (stage.whole && index > 0) return;
        const frozen = proxy.streams();
        for (const stream of frozen) stream.freeze();
        stage.say(`step ${index + 1}: ${frozen.length} streams frozen`);
        if (stage.whole) return;
        void delay(1000).then(() => {
          for (const stream of frozen) stream.end("reset");
        });
      },
    });
    await judge(stage, [kube.namespace], await lastState(stage));
    stage.say(stage.whole ? `noticed within ${seconds} s` : "each reset after a second");
  },
};

const mangling: [string, EventFault][] = [
  ["cut in mid-line, ended", { kind: "truncate", finally: "end" }],
  ["cut in mid-line, reset", { kind: "truncate", finally: "reset" }],
  ["malformed line", { kind: "malformed" }],
];

const mangled: Scenario = {
  number: 7,
  name: "truncated and malformed lines",
  quick: true,
  async play(stage) {
    const chosen = chosenPositions(stage, 8).flatMap((position) => mangling.map((how) => ({ position, how })));
    const proxy = await stage.proxy();
    const kube = await stage.namespace();
    const operator = stage.operator(proxy);
    await operator.synced();
    const rules = chosen.map(
      ({ position: { resource, nth }, how: [what, fault] }): Rule => ({
        name: what,
        match: { resource, namespace: kube.namespace },
        fault,
        when: { nth },
      }),
    );
    await tell(stage, [kube], {
      // One kind of damage a step, so that each meets the same events.
      before: ({ index }) =>
        proxy.rules(...rules.filter(({ name }) => name === mangling[index % mangling.length]?.[0])),
    });
    await judge(stage, [kube.namespace], await lastState(stage));
    if (!operator.alive()) throw new Verdict(`it has ended:\n${operator.log().slice(-1000)}`);
    stage.say(
      Object.entries(proxy.injected())
        .map(([what, count]) => `${what}: ${count}`)
        .join(", "),
    );
  },
};

export const watches: Scenario[] = [hidden, gone, halfOpen, mangled];
