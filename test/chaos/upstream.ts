// The real API server, as the proxy calls it: with the administrator's client certificate.
import { KubeConfig } from "@kubernetes/client-node";
import { Agent, type Dispatcher, request } from "undici";
import type { Call } from "./call.ts";

export interface Upstream {
  /** Sends the call under this user agent, by which it is found in the audit log. */
  send(call: Call, headers: Record<string, string>): Promise<Dispatcher.ResponseData>;
  close(): Promise<void>;
}

export async function connectUpstream(kubeconfig: string): Promise<Upstream> {
  const config = new KubeConfig();
  config.loadFromFile(kubeconfig);
  const server = config.getCurrentCluster()?.server;
  if (!server) throw new Error(`${kubeconfig} names no cluster`);
  const tls: Parameters<KubeConfig["applyToHTTPSOptions"]>[0] = {};
  await config.applyToHTTPSOptions(tls);
  const agent = new Agent({
    connect: { ca: tls.ca as Buffer, cert: tls.cert as Buffer, key: tls.key as Buffer },
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  return {
    send: ({ url, method, body }, headers) =>
      request(`${server}${url}`, {
        dispatcher: agent,
        method: method as Dispatcher.HttpMethod,
        headers,
        ...(body !== "" && { body }),
      }),
    close: () => agent.destroy(),
  };
}
