// Quantities of bytes, as Kubernetes writes them.
// https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
const decimal = ["", "k", "M", "G", "T", "P", "E"];
const binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
const units = new Map<string, number>([
  ["m", 1e-3],
  ...binary.map((unit, power) => [unit, 1024 ** power] as const),
  ...decimal.map((unit, power) => [unit, 1000 ** power] as const),
]);

/** Bytes of a quantity such as `256Mi`, `1.5Gi`, `2e9` or `1000000`; undefined when it is none. */
export function bytesOf(quantity: string | number): number | undefined {
  const [, number, unit = ""] = /^\+?([0-9.]+(?:[eE][+-]?[0-9]+)?)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  const factor = units.get(unit);
  const bytes = factor === undefined ? Number.NaN : Math.floor(Number(number) * factor);
  return Number.isNaN(bytes) ? undefined : bytes;
}
