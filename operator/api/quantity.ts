// Quantities of bytes, as Kubernetes writes them.
const units: Record<string, number> = {
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

/** Bytes of a quantity such as `256Mi`, `1.5Gi` or `1000000`; undefined when it isn't one of bytes. */
export function bytesOf(quantity: string | number): number | undefined {
  const [, number, unit = ""] = /^([0-9.]+)([A-Za-z]*)$/.exec(String(quantity)) ?? [];
  const factor = units[unit];
  return number === undefined || factor === undefined ? undefined : Math.floor(Number(number) * factor);
}
