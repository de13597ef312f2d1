// The table, and the same as JSON.
import { readFileSync } from "node:fs";
import { cpus, totalmem } from "node:os";

/** Empty for counts. */
export type Unit = "s" | "ms" | "MiB" | "MiB/h" | "%" | "";

/** One line of the table. */
export interface Measure {
  part: string;
  measure: string;
  unit: Unit;
  /** Of the operator; undefined when it could not be measured, and `where` says why. */
  value?: number | undefined;
  /** Of the bare client that does the same on the same connections. */
  floor?: number | undefined;
  /** What the value must not exceed. */
  bar?: number;
  /** The bar is for value ÷ floor. */
  barOnRatio?: boolean;
  /** The bar is what the value must reach. */
  barIsLeast?: boolean;
  /** Where the time, the memory or the writes go, a line each. */
  where?: string[];
}

export interface Machine {
  cores: number;
  cpu: string;
  memoryGiB: number;
  kubernetes: string;
  node: string;
  date: string;
  servers: number;
}

export function machineFacts(kubernetes: string, servers: number): Machine {
  return {
    cores: cpus().length,
    cpu: cpus()[0]?.model ?? "unknown",
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kubernetes,
    node: process.version,
    date: new Date().toISOString(),
    servers,
  };
}

/** The machine's load over the last minute: above the number of cores, others were running too. */
export const loadAverage = () => readFileSync("/proc/loadavg", "utf8").split(" ")[0] ?? "";

/** A number with three digits that count. */
export function short(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return value.toFixed(0);
  return value.toFixed(Math.abs(value) >= 10 ? 1 : 2);
}

const ratioOf = ({ value, floor }: Measure) => (value !== undefined && floor ? value / floor : undefined);

/** Whether the bar is met; undefined when there is none, or no value. */
function isMet(measure: Measure): boolean | undefined {
  const judged = measure.barOnRatio ? ratioOf(measure) : measure.value;
  if (judged === undefined || measure.bar === undefined) return;
  return measure.barIsLeast ? judged >= measure.bar : judged <= measure.bar;
}

function verdict(measure: Measure): string {
  if (measure.value === undefined) return "not measured";
  const met = isMet(measure);
  if (met === undefined) return "";
  return met ? "ok" : measure.barIsLeast ? "UNDER" : "OVER";
}

const header = ["", "measure", "floor", "anypod", "÷ floor", "bar", ""];

function cells(measure: Measure): string[] {
  const { part, unit, value, floor, bar, barOnRatio, barIsLeast } = measure;
  const ratio = ratioOf(measure);
  const withUnit = (number: number | undefined) => (number === undefined ? "" : `${short(number)} ${unit}`.trimEnd());
  const limit = bar === undefined ? "" : `${barIsLeast ? "≥" : "≤"} ${bar}${barOnRatio ? "×" : ` ${unit}`}`.trimEnd();
  const times = ratio === undefined ? "" : `${ratio.toFixed(2)}×`;
  return [part, measure.measure, withUnit(floor), withUnit(value), times, limit, verdict(measure)];
}

/** The table as aligned text, where the time goes below each line. */
export function table(measures: Measure[]): string {
  const rows = [header, ...measures.map(cells)];
  const widths = header.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [
    line(header),
    rule,
    ...measures.flatMap((measure) => [
      line(cells(measure)),
      ...(measure.where ?? []).map((text) => `${" ".repeat((widths[0] ?? 0) + 4)}${text}`),
    ]),
  ].join("\n");
}

/** The table in Markdown, for docs/performance.md. */
export function markdown(measures: Measure[]): string {
  const [, ...titles] = header;
  const row = (texts: string[]) => `| ${texts.join(" | ")} |`;
  return [row(titles), row(titles.map(() => "---")), ...measures.map((measure) => row(cells(measure).slice(1)))].join(
    "\n",
  );
}

/** What goes into bench-results.json. */
export const asJson = (machine: Machine, measures: Measure[]) => ({
  machine,
  measures: measures.map((measure) => ({ ...measure, ratio: ratioOf(measure), met: isMet(measure) })),
});
