// A panel that shows one number, on the colour of its threshold where it has any.
import type { Panel } from "../support/dashboard.ts";
import type { Answer } from "./dashboard.ts";
import { colors, shownAs, textAt } from "./style.ts";

interface Size {
  width: number;
  height: number;
}

const named = colors as Record<string, string>;

/** The last number that is one. */
function lastOf(answers: Answer[]): number | undefined {
  const values = answers.flatMap(({ series }) => series.values.map(([, value]) => Number(value)));
  return values.findLast(Number.isFinite);
}

export function stat({ fieldConfig: { defaults } }: Panel, answers: Answer[], { width, height }: Size): string {
  const value = lastOf(answers);
  const { unit, thresholds } = defaults;
  const reached = thresholds.steps.filter(({ value: from }) => from === null || (value ?? 0) >= from).at(-1);
  const color = named[reached?.color ?? "green"] ?? colors.green;
  const text = value === undefined ? "no data" : shownAs(unit, value);
  return textAt(width / 2, height / 2 + 24, text, { size: 30, weight: 600, anchor: "middle", color });
}
