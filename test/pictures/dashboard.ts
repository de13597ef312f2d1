// docs/images/dashboard.svg: each panel of the dashboard, where it stands, with what a real Prometheus answers to its queries.
// Grafana itself isn't to be had here; Apache ECharts draws.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { dashboard, filledIn, type Panel } from "../support/dashboard.ts";
import { root } from "../support/processes.ts";
import type { Prometheus, Series } from "../support/prometheus.ts";
import { chart } from "./chart.ts";
import { stat } from "./stat.ts";
import { colors, escaped, textAt } from "./style.ts";
import { table } from "./table.ts";

/** Of Grafana's grid: 24 columns; heights in rows. */
const column = 50;
const rowHeight = 26;
const gap = 8;
const margin = 16;
const top = 56;

/** What the picture shows of the time before it. */
const seconds = 300;
const step = 5;

/** A panel's answers, its queries one after another, each series with its name. */
export interface Answer {
  name: string;
  series: Series;
}

const namedBy = (legend: string, { metric }: Series) =>
  legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? "");

async function answersOf({ targets, type }: Panel, prometheus: Prometheus): Promise<Answer[]> {
  const answers = targets.map(async ({ expr, legendFormat }) => {
    const asked = filledIn(expr);
    const found = type === "table" ? await prometheus.now(asked) : await prometheus.lately(asked, seconds, step);
    return found.map((series) => ({ name: namedBy(legendFormat, series), series }));
  });
  return (await Promise.all(answers)).flat();
}

const drawers = { stat, timeseries: chart, table };

async function panelSvg(panel: Panel, prometheus: Prometheus): Promise<string> {
  const { x, y, w, h } = panel.gridPos;
  const at = { left: margin + x * column, top: top + y * rowHeight };
  const size = { width: w * column - gap, height: h * rowHeight - gap };
  const place = `transform="translate(${at.left} ${at.top})"`;
  if (panel.type === "row") return `<g ${place}>${textAt(2, 19, panel.title, { size: 14, weight: 600 })}</g>`;
  const inside = drawers[panel.type](panel, await answersOf(panel, prometheus), size);
  const frame = `<rect width="${size.width}" height="${size.height}" rx="4" fill="${colors.panel}" stroke="${colors.line}"/>`;
  const title = textAt(10, 18, panel.title, { size: 12, weight: 600 });
  return `<g ${place}>${frame}${title}${inside}</g>`;
}

/** Names of test namespaces say nothing to a reader. */
const readable = (svg: string) => svg.replaceAll(/test-[0-9a-f]{8}/g, "shop");

/** Writes the picture. */
export async function drawDashboard(prometheus: Prometheus): Promise<void> {
  const bottom = Math.max(...dashboard.panels.map(({ gridPos: { y, h } }) => y + h));
  const width = 24 * column + 2 * margin - gap;
  const height = top + bottom * rowHeight + margin;
  const panels: string[] = [];
  for (const panel of dashboard.panels) panels.push(await panelSvg(panel, prometheus));
  const chosen = dashboard.templating.list.flatMap(({ label, query }) => (typeof query === "string" ? [] : [label]));
  const heading = [
    textAt(margin, 34, dashboard.title, { size: 20, weight: 600 }),
    textAt(width - margin, 34, chosen.map((label) => `${label}: All`).join("     "), { size: 12, anchor: "end" }),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="system-ui, sans-serif" role="img">
<title>${escaped(dashboard.title)}</title>
<rect width="${width}" height="${height}" fill="${colors.page}"/>
${[...heading, ...panels].join("\n")}
</svg>
`;
  writeFileSync(join(root, "docs/images/dashboard.svg"), readable(svg));
}
