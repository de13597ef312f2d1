// HTTP to the API server: one set of kept-alive connections, JSON in and out, errors as values. Log-in is client-node's.
import { setTimeout as delay } from "node:timers/promises";
import { KubeConfig, type RequestContext } from "@kubernetes/client-node";
import { Agent, type Dispatcher } from "undici";
import { ApiError } from "./errors.ts";
import { createLimit } from "./limit.ts";

export interface ApiRequest {
  method?: "GET" | "POST" | "PATCH" | "PUT" | "DELETE";
  /** Path below the server, such as `/api/v1/namespaces/shop/services`. */
  path: string;
  query?: Record<string, string | number | boolean | undefined>;
  body?: unknown;
  contentType?: string;
  accept?: string;
  signal?: AbortSignal | undefined;
  /** Longest silence, in milliseconds, before the request fails. */
  timeout?: number;
}

/** Hears of every request: its method, the answer's status code (`<error>` when there was none) and the seconds it took. */
export type RequestObserver = (method: string, code: string, seconds: number) => void;

/** Sends a request, perhaps with more headers, and may look at what becomes of it. */
export type RequestTracer = <T extends { statusCode: number }>(
  request: { method: string; path: string },
  send: (headers: Record<string, string>) => Promise<T>,
) => Promise<T>;

export interface ClientOptions {
  /** As the API server's audit log names who asks. */
  userAgent?: string;
  /** Asked right before each request that writes; false makes it fail with NotAllowedError. */
  mayWrite?: () => boolean;
  observe?: RequestObserver;
  trace?: RequestTracer;
}

/** This process may not write now: it doesn't lead, or leads no more. */
class NotAllowedError extends Error {}

export interface Client {
  /** One request, its answer parsed. Throws ApiError on any status but 2xx, and what undici throws on a broken connection. */
  json<T>(request: ApiRequest): Promise<T>;
  /** An endless answer, line by line, as a watch has it. Ends when the server ends it; throws like `json`. */
  lines(request: ApiRequest): AsyncGenerator<string>;
  close(): Promise<void>;
}

const defaultTimeout = 30_000;
/** Requests in flight, watches aside: more only lengthen the API server's queue, and with it everybody's tail. */
const inFlight = 8;
/** The longest wait that a server can ask for, in milliseconds. */
const longestQuiet = 60_000;
/** How long log-in data is used before client-node is asked again: tokens and CAs on disk rotate. */
const credentialsMaxAge = 10_000;

interface Credentials {
  headers: Record<string, string>;
  dispatcher: Dispatcher;
  /** Tells one TLS identity from another. */
  identity: string;
  readAt: number;
}

/** The cluster of a kubeconfig file, or, without one, of $KUBECONFIG, the pod's own account or ~/.kube/config. */
export function loadKubeConfig(file?: string): KubeConfig {
  const config = new KubeConfig();
  if (file === undefined) config.loadFromDefault();
  else config.loadFromFile(file);
  return config;
}

type TlsOptions = Parameters<KubeConfig["applyToHTTPSOptions"]>[0];

async function readTls(config: KubeConfig): Promise<TlsOptions> {
  const options: TlsOptions = {};
  await config.applyToHTTPSOptions(options);
  return options;
}

const identityOf = ({ ca, cert, key }: TlsOptions) => JSON.stringify([ca, cert, key].map((part) => part?.toString()));

/**
 * Connections of HTTP/1.1: over HTTP/2 a write costs this process a sixth more, and a lost packet holds up every watch.
 * client-node's own dispatcher speaks HTTP/2, so it serves only where it knows how to reach a proxy.
 */
function connections({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername }: TlsOptions): Agent {
  const tls = Object.entries({ ca, cert, key, pfx, passphrase, rejectUnauthorized, servername });
  const given = Object.fromEntries(tls.filter(([, value]) => value !== undefined));
  return new Agent({ allowH2: false, connect: { ...given, keepAlive: true, keepAliveInitialDelay: 30_000 } });
}

async function readCredentials(config: KubeConfig, old: Credentials | undefined): Promise<Credentials> {
  const tls = await readTls(config);
  const identity = identityOf(tls);
  const headers: Record<string, string> = {};
  let dispatcher: Dispatcher | undefined;
  const context = {
    setHeaderParam: (name: string, value: string) => {
      headers[name] = value;
    },
    setDispatcher: (value: Dispatcher) => {
      dispatcher = value;
    },
  };
  await config.applySecurityAuthentication(context as unknown as RequestContext);
  if (old?.identity === identity) return { ...old, headers, readAt: Date.now() };
  // Requests under way end on the connections that they have.
  old?.dispatcher.close().catch(() => {});
  const proxied = config.getCurrentCluster()?.proxyUrl ? dispatcher : undefined;
  return { headers, dispatcher: proxied ?? connections(tls), identity, readAt: Date.now() };
}

function credentialsOf(config: KubeConfig): () => Promise<Credentials> {
  let current: Credentials | undefined;
  let reading: Promise<Credentials> | undefined;
  return () => {
    if (current && Date.now() - current.readAt < credentialsMaxAge) return Promise.resolve(current);
    reading ??= readCredentials(config, current)
      .then((read) => {
        current = read;
        return read;
      })
      .finally(() => {
        reading = undefined;
      });
    return reading;
  };
}

function withQuery(path: string, query: ApiRequest["query"]): string {
  const given = Object.entries(query ?? {}).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return given.length === 0 ? path : `${path}?${new URLSearchParams(given)}`;
}

/** Headers and body of a request. */
function content(
  { accept = "application/json", body, contentType = "application/json" }: ApiRequest,
  headers: Record<string, string>,
) {
  const common = { ...headers, accept };
  if (body === undefined) return { headers: common };
  return { headers: { ...common, "content-type": contentType }, body: JSON.stringify(body) };
}

async function errorOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<ApiError> {
  const text = await body.text();
  const seconds = Number(headers["retry-after"]);
  const retryAfter = Number.isFinite(seconds) ? seconds : undefined;
  try {
    return new ApiError(statusCode, JSON.parse(text), retryAfter);
  } catch {
    return new ApiError(statusCode, {}, retryAfter);
  }
}

/** A client for the current context of the kubeconfig. */
export function createClient(
  config: KubeConfig,
  { mayWrite = () => true, observe, trace = (_, send) => send({}), userAgent = "anypod" }: ClientOptions = {},
): Client {
  const cluster = config.getCurrentCluster();
  if (!cluster) throw new Error("the kubeconfig names no current cluster: run 'kubectl config use-context NAME'");
  const { origin, pathname } = new URL(cluster.server);
  const root = pathname.replace(/\/$/, "");
  const credentials = credentialsOf(config);
  const limit = createLimit(inFlight);
  /** Until when the server asked to be left alone, in milliseconds since the epoch. */
  let quietUntil = 0;

  /** Waits as long as the server asked for with its last 429: who asks is this process, whatever it is about. */
  async function waitForQuiet(signal: AbortSignal | undefined): Promise<void> {
    const wait = Math.min(quietUntil - Date.now(), longestQuiet);
    if (wait > 0) await delay(wait, undefined, signal && { signal });
  }

  function noticed(error: ApiError): ApiError {
    if (error.status === 429 && error.retryAfter) quietUntil = Date.now() + error.retryAfter * 1000;
    return error;
  }

  async function send(options: ApiRequest): Promise<Dispatcher.ResponseData> {
    const method = options.method ?? "GET";
    await waitForQuiet(options.signal);
    const { headers, dispatcher } = await credentials();
    if (method !== "GET" && !mayWrite())
      throw new NotAllowedError(`this process may not write now: ${method} ${options.path}`);
    const began = performance.now();
    const answered = (code: string) => observe?.(method, code, (performance.now() - began) / 1000);
    const timeout = options.timeout ?? defaultTimeout;
    const wanted = (more: Record<string, string>) => ({
      origin,
      path: root + withQuery(options.path, options.query),
      method,
      ...content(options, { ...headers, ...more, "user-agent": userAgent }),
      ...(options.signal && { signal: options.signal }),
      headersTimeout: timeout,
      bodyTimeout: timeout,
    });
    const { path } = options;
    const response = await trace({ method, path }, (more) => dispatcher.request(wanted(more))).catch((error) => {
      answered("<error>");
      throw error;
    });
    answered(String(response.statusCode));
    if (response.statusCode >= 300) throw noticed(await errorOf(response));
    return response;
  }

  async function* lines(options: ApiRequest): AsyncGenerator<string> {
    const { body } = await send(options);
    let rest = "";
    body.setEncoding("utf8");
    for await (const chunk of body) {
      const parts = (rest + chunk).split("\n");
      rest = parts.pop() ?? "";
      yield* parts;
    }
  }

  return {
    json: <T>(options: ApiRequest) => limit(async () => (await (await send(options)).body.json()) as T),
    lines,
    close: async () => (await credentials()).dispatcher.destroy(),
  };
}
