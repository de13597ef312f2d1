// A place that takes OTLP as JSON over HTTP, and keeps it for a test to look at.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

type KeyValue = { key: string; value: { stringValue?: string; intValue?: number } };

export interface SinkSpan {
  traceId: string;
  spanId: string;
  parentSpanId?: string;
  traceState?: string;
  name: string;
  kind: number;
  attributes: Record<string, string | number | undefined>;
  resource: Record<string, string | number | undefined>;
  links: { traceId: string; spanId: string }[];
  /** 2 is an error. */
  status: { code: number; message?: string };
}

export interface SinkPoint {
  metric: string;
  attributes: Record<string, string | number | undefined>;
  /** Of a histogram. */
  count?: number | undefined;
  sum?: number | undefined;
  bounds?: number[] | undefined;
  /** Of a counter. */
  value?: number | undefined;
}

export interface OtlpSink extends AsyncDisposable {
  url: string;
  spans: SinkSpan[];
  /** The latest of each series. */
  points(): SinkPoint[];
}

const plain = (attributes: KeyValue[] = []) =>
  Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue ?? value.intValue]));

/** Listens on 127.0.0.1. @param answer what it says to whom it has heard */
export async function otlpSink(answer: RequestListener = (_, response) => response.end("{}")): Promise<OtlpSink> {
  const spans: SinkSpan[] = [];
  const points = new Map<string, SinkPoint>();
  const server = createServer(async (request, response) => {
    let text = "";
    for await (const part of request.setEncoding("utf8")) text += part;
    const { resourceSpans = [], resourceMetrics = [] } = JSON.parse(text);
    spans.push(...resourceSpans.flatMap(spansOf));
    for (const point of resourceMetrics.flatMap(pointsOf))
      points.set(`${point.metric} ${JSON.stringify(point.attributes)}`, point);
    answer(request, response);
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  const close = async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  };
  return { url: `http://127.0.0.1:${port}`, spans, points: () => [...points.values()], [Symbol.asyncDispose]: close };
}

type Attributed<T> = Omit<T, "attributes"> & { attributes: KeyValue[] };
interface ResourceSpans {
  resource: { attributes: KeyValue[] };
  scopeSpans: { spans: Attributed<SinkSpan>[] }[];
}

const spansOf = ({ resource, scopeSpans }: ResourceSpans): SinkSpan[] =>
  scopeSpans
    .flatMap(({ spans }) => spans)
    .map(({ attributes, links = [], ...span }) => {
      return { ...span, links, attributes: plain(attributes), resource: plain(resource.attributes) };
    });

type WirePoint = {
  attributes: KeyValue[];
  count?: number;
  sum?: number;
  explicitBounds?: number[];
  asDouble?: number;
};
type WireMetric = { name: string; histogram?: { dataPoints: WirePoint[] }; sum?: { dataPoints: WirePoint[] } };

const pointsOf = ({ scopeMetrics }: { scopeMetrics: { metrics: WireMetric[] }[] }): SinkPoint[] =>
  scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .flatMap(({ name, histogram, sum }) =>
      (histogram ?? sum)!.dataPoints.map(({ attributes, explicitBounds, asDouble, ...numbers }) => {
        return { ...numbers, metric: name, attributes: plain(attributes), bounds: explicitBounds, value: asDouble };
      }),
    );
