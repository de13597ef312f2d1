// Rows and panels → the JSON that Grafana takes.
// https://grafana.com/docs/grafana/latest/dashboards/build-dashboards/view-dashboard-json-model/
import { type Panel, type Row, rows } from "./panels.ts";

// biome-ignore lint/suspicious/noTemplateCurlyInString: a variable of Grafana's
const datasource = { type: "prometheus", uid: "${datasource}" };
const heights: Record<Panel["type"], number> = { stat: 4, timeseries: 8, table: 7 };

interface Position {
  x: number;
  y: number;
  w: number;
  h: number;
}

function thresholds({ thresholds: given }: Panel) {
  const [warn, bad] = given ?? [];
  const steps = [
    { color: "green", value: null },
    ...(warn === undefined ? [] : [{ color: "orange", value: warn }]),
    ...(bad === undefined ? [] : [{ color: "red", value: bad }]),
  ];
  return { mode: "absolute", steps };
}

function options({ type, thresholds: given }: Panel): object {
  if (type === "stat")
    return {
      colorMode: given ? "background" : "value",
      graphMode: "area",
      justifyMode: "auto",
      reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
    };
  if (type === "table") return { showHeader: true, sortBy: [{ displayName: "For", desc: true }] };
  return {
    legend: { displayMode: "list", placement: "bottom", showLegend: true },
    tooltip: { mode: "multi", sort: "desc" },
  };
}

const custom = ({ type, stacked }: Panel) =>
  type === "timeseries" && {
    custom: {
      drawStyle: "line",
      fillOpacity: stacked ? 30 : 10,
      lineWidth: 1,
      showPoints: "never",
      spanNulls: true,
      ...(stacked && { stacking: { group: "A", mode: "normal" } }),
    },
  };

/** A table has the labels as its columns, in this order, and nothing else. */
function transformations({ columns }: Panel): object[] {
  if (!columns) return [];
  const names = Object.keys(columns);
  return [
    { id: "filterFieldsByName", options: { include: { names } } },
    {
      id: "organize",
      options: { indexByName: Object.fromEntries(names.map((name, index) => [name, index])), renameByName: columns },
    },
  ];
}

function panelJson(panel: Panel, id: number, gridPos: Position): object {
  const { title, description, type, unit, queries } = panel;
  const isInstant = type === "table";
  return {
    id,
    title,
    description,
    type,
    datasource,
    gridPos,
    fieldConfig: { defaults: { unit, min: 0, thresholds: thresholds(panel), ...custom(panel) }, overrides: [] },
    options: options(panel),
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      ...(isInstant ? { instant: true, range: false, format: "table" } : { range: true }),
    })),
    ...(panel.columns && { transformations: transformations(panel) }),
  };
}

/** Panels side by side, from left to right, as many as go into a line. */
function panelsOf({ panels }: Row, top: number): { placed: { panel: Panel; at: Position }[]; bottom: number } {
  const placed: { panel: Panel; at: Position }[] = [];
  let [x, y, line] = [0, top, 0];
  for (const panel of panels) {
    const h = heights[panel.type];
    if (x + panel.width > 24) [x, y, line] = [0, y + line, 0];
    placed.push({ panel, at: { x, y, w: panel.width, h } });
    x += panel.width;
    line = Math.max(line, h);
  }
  return { placed, bottom: y + line };
}

function allPanels(): object[] {
  const panels: object[] = [];
  let y = 0;
  for (const row of rows) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title: row.title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    const { placed, bottom } = panelsOf(row, y + 1);
    for (const { panel, at } of placed) panels.push(panelJson(panel, panels.length + 1, at));
    y = bottom;
  }
  return panels;
}

const variable = (name: string, label: string, query: string) => ({
  name,
  label,
  type: "query",
  datasource,
  query: { query, refId: name },
  definition: query,
  multi: true,
  includeAll: true,
  allValue: ".*",
  current: { text: ["All"], value: ["$__all"] },
  refresh: 2,
  sort: 1,
});

/** charts/anypod/files/dashboard.json. */
export function dashboard(): object {
  const ofNamespace = 'service_namespace=~"$namespace"';
  return {
    uid: "anypod",
    title: "anypod: MCP servers",
    description: "McpServers, their tools, pools and tasks, and the operator. docs/monitoring.md says what it needs.",
    tags: ["anypod", "mcp"],
    schemaVersion: 39,
    editable: true,
    graphTooltip: 1,
    refresh: "30s",
    time: { from: "now-1h", to: "now" },
    timezone: "browser",
    templating: {
      list: [
        { name: "datasource", label: "Data source", type: "datasource", query: "prometheus", current: {} },
        variable("namespace", "Namespace", "label_values(anypod_server_ready, service_namespace)"),
        variable("server", "Server", `label_values(anypod_server_ready{${ofNamespace}}, service_name)`),
        variable(
          "pool",
          "Pool",
          `label_values(anypod_server_pods{${ofNamespace}, service_name=~"$server"}, anypod_pool)`,
        ),
      ],
    },
    annotations: { list: [] },
    panels: allPanels(),
  };
}
