// What many measurements come to.

/** The value that a share `p` (0 to 1) of the values doesn't exceed; NaN of none. */
export function percentile(values: number[], p: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * p) - 1)] ?? Number.NaN;
}

export const median = (values: number[]) => percentile(values, 0.5);

export const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);

/** Least-squares slope of y over x; 0 of fewer than two points. */
export function slope(points: { x: number; y: number }[]): number {
  const meanX = sum(points.map(({ x }) => x)) / points.length;
  const meanY = sum(points.map(({ y }) => y)) / points.length;
  const spread = sum(points.map(({ x }) => (x - meanX) ** 2));
  return spread > 0 ? sum(points.map(({ x, y }) => (x - meanX) * (y - meanY))) / spread : 0;
}
