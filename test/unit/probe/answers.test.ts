// Answers that are remembered: what is asked when, and who is told.
import { beforeEach, describe, expect, test } from "vitest";
import { type Answers, createAnswers, type Question } from "../../../operator/probe/answers.ts";

let now = 0;
let answers: Answers;
/** What has been asked and not yet answered. */
let asked: { id: string; answer: (value: string) => Promise<void> }[] = [];
let woken: string[] = [];

beforeEach(() => {
  now = 1_000_000;
  answers = createAnswers(() => now);
  asked = [];
  woken = [];
});

function question(id: string, version = "1", lasts = 100): Question<string> {
  return {
    id,
    version,
    ask: () => {
      const { promise, resolve } = Promise.withResolvers<string>();
      const answer = async (value: string) => {
        resolve(value);
        // The places of those that wait are handed on in turns of their own.
        await new Promise<void>((done) => setImmediate(done));
      };
      asked.push({ id, answer });
      return promise;
    },
    lasts: () => lasts,
    answered: () => woken.push(`${id}/${version}`),
  };
}
const idsAsked = () => asked.map(({ id }) => id);

describe("an answer", () => {
  test("isn't there at first: it is asked for in the background, once, and who wants it is told", async () => {
    expect(answers(question("a"))).toEqual({ answer: undefined, after: undefined });
    expect(answers(question("a"))).toEqual({ answer: undefined, after: undefined });
    expect(idsAsked()).toEqual(["a"]);
    await asked[0]?.answer("yes");
    expect(woken).toEqual(["a/1"]);
    expect(answers(question("a"))).toEqual({ answer: "yes", after: 100 });
    expect(idsAsked()).toEqual(["a"]);
  });

  test("that is the same again may be good for longer, until there is another", async () => {
    const patient = { ...question("a"), lasts: (_: string, again: number) => 100 * (again + 1) };
    const lasted: (number | undefined)[] = [];
    for (const [turn, value] of ["yes", "yes", "yes", "no", "yes"].entries()) {
      answers(patient);
      await asked[turn]?.answer(value);
      lasted.push(answers(patient).after);
      now += 300;
    }
    expect(lasted).toEqual([100, 200, 300, 100, 100]);
  });

  test("is good for as long as it says, and stands while it is asked for again", async () => {
    answers(question("a"));
    await asked[0]?.answer("yes");
    now += 99;
    expect(answers(question("a"))).toEqual({ answer: "yes", after: 1 });
    now += 1;
    expect(answers(question("a"))).toEqual({ answer: "yes", after: undefined });
    expect(answers(question("a"))).toEqual({ answer: "yes", after: undefined });
    expect(idsAsked()).toEqual(["a", "a"]);
    await asked[1]?.answer("no");
    expect(answers(question("a"))).toEqual({ answer: "no", after: 100 });
    expect(woken).toEqual(["a/1", "a/1"]);
  });

  test("that is good for ever is never asked for again", async () => {
    const forever = () => answers(question("a", "1", Number.POSITIVE_INFINITY));
    forever();
    await asked[0]?.answer("yes");
    now += 1e12;
    expect(forever()).toEqual({ answer: "yes", after: undefined });
    expect(idsAsked()).toEqual(["a"]);
  });

  test("says nothing of another version, not even when it comes late", async () => {
    answers(question("a", "1"));
    expect(answers(question("a", "2"))).toEqual({ answer: undefined, after: undefined });
    expect(idsAsked()).toEqual(["a", "a"]);
    await asked[1]?.answer("new");
    await asked[0]?.answer("old");
    expect(answers(question("a", "2"))).toEqual({ answer: "new", after: 100 });
  });

  test("of one says nothing of another", async () => {
    answers(question("a"));
    answers(question("b"));
    await asked[0]?.answer("yes");
    expect(answers(question("a")).answer).toBe("yes");
    expect(answers(question("b")).answer).toBeUndefined();
  });

  test("that nobody has wanted for long is forgotten", async () => {
    answers(question("a", "1", Number.POSITIVE_INFINITY));
    await asked[0]?.answer("yes");
    now += 3_600_001;
    answers(question("b"));
    expect(answers(question("a", "1", Number.POSITIVE_INFINITY)).answer).toBeUndefined();
  });
});

test("sixteen are asked at once, and the next when one of them has answered", async () => {
  const ids = Array.from({ length: 20 }, (_, index) => `q${index}`);
  for (const id of ids) answers(question(id));
  expect(idsAsked()).toEqual(ids.slice(0, 16));
  await asked[3]?.answer("yes");
  expect(idsAsked()).toEqual(ids.slice(0, 17));
  expect(woken).toEqual(["q3/1"]);
});
