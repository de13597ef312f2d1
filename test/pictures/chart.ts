// A panel with lines over time.
import { LineChart } from "echarts/charts";
import { GridComponent, LegendComponent } from "echarts/components";
import * as echarts from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import type { Panel } from "../support/dashboard.ts";
import type { Answer } from "./dashboard.ts";
import { colors, palette, shownAs } from "./style.ts";

echarts.use([LineChart, GridComponent, LegendComponent, SVGRenderer]);

const text = { color: colors.faint, fontSize: 11, fontFamily: "system-ui, sans-serif" };
const head = 24;
const legendLine = 18;

/** How many lines the names take, at some six pixels a letter. */
function legendLines(answers: Answer[], width: number): number {
  const letters = [...new Set(answers.map(({ name }) => name))].map((name) => name.length * 6.3 + 28);
  return Math.ceil(letters.reduce((sum, each) => sum + each, 0) / (width - 24)) || 1;
}

/** So that ticks are round numbers of what is shown. */
const scale = (unit: string) => (unit === "bytes" ? 2 ** 20 : 1);

const clock = (seconds: number) => new Date(seconds * 1000).toISOString().slice(11, 16);

export function chart(panel: Panel, answers: Answer[], { width, height }: { width: number; height: number }): string {
  const { unit, custom } = panel.fieldConfig.defaults;
  const lines = legendLines(answers, width);
  const by = scale(unit);
  const isStacked = custom?.stacking !== undefined;
  const drawing = echarts.init(null, null, { renderer: "svg", ssr: true, width, height: height - head });
  drawing.setOption({
    animation: false,
    color: palette,
    textStyle: text,
    grid: { left: 64, right: 14, top: 10, bottom: 28 + lines * legendLine },
    legend: { bottom: 4, left: 8, itemWidth: 12, itemHeight: 3, icon: "rect", textStyle: text, type: "plain" },
    xAxis: {
      type: "time",
      axisLabel: { ...text, hideOverlap: true, formatter: (at: number) => clock(at / 1000) },
      axisLine: { lineStyle: { color: colors.line } },
      axisTick: { show: false },
    },
    yAxis: {
      type: "value",
      min: 0,
      splitNumber: 4,
      axisLabel: { ...text, formatter: (value: number) => shownAs(unit, value * by) },
      splitLine: { lineStyle: { color: "#eceef2" } },
    },
    series: answers.map(({ name, series }) => ({
      name,
      type: "line",
      showSymbol: false,
      lineStyle: { width: 1.5 },
      areaStyle: { opacity: isStacked ? 0.3 : 0.08 },
      ...(isStacked && { stack: "all" }),
      data: series.values.map(([at, value]) => [at * 1000, Number.isFinite(Number(value)) ? Number(value) / by : null]),
    })),
  });
  const svg = drawing.renderToSVGString();
  drawing.dispose();
  // One picture in another: a style of its own would be the whole picture's.
  return `<g transform="translate(0 ${head})">${svg.replaceAll(/<style[\s\S]*?<\/style>/g, "").trim()}</g>`;
}
