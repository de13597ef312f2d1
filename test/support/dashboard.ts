// The chart's dashboard as Grafana would ask for it: its panels, with the variables filled in.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./processes.ts";

export interface Panel {
  id: number;
  title: string;
  description: string;
  type: "row" | "stat" | "timeseries" | "table";
  gridPos: { x: number; y: number; w: number; h: number };
  fieldConfig: {
    defaults: {
      unit: string;
      thresholds: { steps: { color: string; value: number | null }[] };
      custom?: { stacking?: object };
    };
  };
  targets: { expr: string; legendFormat: string; instant?: boolean }[];
  transformations?: [unknown, { options: { renameByName: Record<string, string> } }];
}

export interface Dashboard {
  title: string;
  panels: Panel[];
  templating: { list: { name: string; label: string; query: string | { query: string } }[] };
}

export const dashboard = JSON.parse(
  readFileSync(join(root, "charts/anypod/files/dashboard.json"), "utf8"),
) as Dashboard;

/** Those that show something. */
export const drawn = dashboard.panels.filter(({ type }) => type !== "row");

/** The query with what is chosen above the panels; everything where nothing is. */
export const filledIn = (expr: string, chosen: Record<string, string> = {}) =>
  expr.replaceAll(/\$(\w+)/g, (_, name: string) => chosen[name] ?? (name === "__rate_interval" ? "30s" : ".*"));
