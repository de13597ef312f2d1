// What tests ask a Prometheus, through the API server.
// https://prometheus.io/docs/prometheus/latest/querying/api/
import type { Client } from "../../operator/kube/client.ts";

export interface Series {
  metric: Record<string, string>;
  /** Unix seconds and a number as text, `NaN` perhaps. */
  values: [number, string][];
}

export interface Prometheus {
  /** What is so now, a series with one value each. Rejects with what is wrong with the query. */
  now(query: string): Promise<Series[]>;
  /** What was so in the last seconds, at each step. */
  lately(query: string, seconds: number, step: number): Promise<Series[]>;
  /** Any other question, such as `/api/v1/rules`. */
  ask<T>(path: string, query?: Record<string, string>): Promise<T>;
}

/** @param proxy the path by which the API server hands requests on to it */
export function prometheusAt(client: Client, proxy: string): Prometheus {
  async function ask<T>(path: string, query: Record<string, string> = {}): Promise<T> {
    return (await client.json<{ data: T }>({ path: `${proxy}${path}`, query })).data;
  }
  return {
    ask,
    async now(query) {
      const { result } = await ask<{ result: { metric: Series["metric"]; value: [number, string] }[] }>(
        "/api/v1/query",
        { query },
      );
      return result.map(({ metric, value }) => ({ metric, values: [value] }));
    },
    async lately(query, seconds, step) {
      const end = Math.floor(Date.now() / 1000);
      const range = { query, start: String(end - seconds), end: String(end), step: String(step) };
      return (await ask<{ result: Series[] }>("/api/v1/query_range", range)).result;
    },
  };
}

/** The numbers of series, without those that are none. */
export const numbersOf = (series: Series[]) =>
  series.flatMap(({ values }) => values.map(([, value]) => Number(value))).filter(Number.isFinite);
