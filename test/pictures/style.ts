// How the picture of the dashboard looks: colours, texts, and numbers with their units.

export const colors = {
  page: "#f4f5f7",
  panel: "#ffffff",
  line: "#d8dbe2",
  text: "#24292f",
  faint: "#6b7280",
  green: "#2f9e44",
  orange: "#e8890c",
  red: "#d6336c",
};

/** Of series, in turn; told apart by people who don't see all colours. */
export const palette = ["#1f77b4", "#e8890c", "#2f9e44", "#9467bd", "#d6336c", "#17a2b8", "#8c564b", "#7f7f7f"];

export const escaped = (text: string) =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");

interface TextStyle {
  size: number;
  weight?: number;
  anchor?: "start" | "middle" | "end";
  color?: string;
}

export function textAt(x: number, y: number, text: string, style: TextStyle): string {
  const { size, weight = 400, anchor = "start", color = colors.text } = style;
  const attributes = `font-size="${size}" font-weight="${weight}" text-anchor="${anchor}" fill="${color}"`;
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(text)}</text>`;
}

const digits = (value: number) => String(Number(value.toPrecision(3)));

function duration(seconds: number): string {
  if (seconds < 1) return `${digits(seconds * 1000)} ms`;
  if (seconds < 120) return `${digits(seconds)} s`;
  return `${digits(seconds / 60)} min`;
}

const units: Record<string, (value: number) => string> = {
  s: duration,
  reqps: (value) => `${digits(value)} /s`,
  percentunit: (value) => `${digits(value * 100)} %`,
  bytes: (value) => `${digits(value / 2 ** 20)} MiB`,
  short: digits,
};

/** A number as Grafana would show it with this unit. */
export const shownAs = (unit: string, value: number) => (units[unit] ?? digits)(value);
