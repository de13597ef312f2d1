// A panel that is a table: the labels that its columns are, and the number.
import type { Panel } from "../support/dashboard.ts";
import type { Answer } from "./dashboard.ts";
import { colors, shownAs, textAt } from "./style.ts";

const line = 22;

export function table(panel: Panel, answers: Answer[], { width, height }: { width: number; height: number }): string {
  const columns = Object.entries(panel.transformations?.[1].options.renameByName ?? {});
  const xOf = (index: number) => 10 + (index * (width - 20)) / columns.length;
  const { unit } = panel.fieldConfig.defaults;
  const rows = answers
    .map(({ series: { metric, values } }) => ({ metric, value: Number(values[0]?.[1]) }))
    .sort((a, b) => b.value - a.value)
    .slice(0, Math.floor((height - 46) / line));
  const head = columns.map(([, title], index) =>
    textAt(xOf(index), 42, title, { size: 11, weight: 600, color: colors.faint }),
  );
  const cells = rows.flatMap(({ metric, value }, row) =>
    columns.map(([label], index) =>
      textAt(xOf(index), 42 + (row + 1) * line, label === "Value" ? shownAs(unit, value) : (metric[label] ?? ""), {
        size: 12,
      }),
    ),
  );
  return [...head, ...cells].join("");
}
