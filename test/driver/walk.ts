// The official client on a walk through a server's methods, and which pod answered each of its requests.
import { Client, StreamableHTTPClientTransport } from "@modelcontextprotocol/client";
import * as z from "zod";
import { createAgent, fetchBy } from "./client.ts";
import { type Exchange, watched } from "./watched.ts";

const step = z.object({ method: z.string(), params: z.record(z.string(), z.unknown()).default({}) });

const walkable = z.object({
  url: z.string(),
  /** See `connect`. */
  via: z.string().optional(),
  /** Which revision the client speaks: 2026-07-28, or 2025-11-25. */
  era: z.enum(["modern", "legacy"]).default("modern"),
  steps: z.array(step),
});

type Step = z.output<typeof step>;
export type Walkable = z.input<typeof walkable>;

/** All exchanges, with those that the client makes of its own accord. Rejects when a step does. */
export async function walk(what: Walkable): Promise<Exchange[]> {
  const { url, via, era, steps } = walkable.parse(what);
  const agent = createAgent("fresh", via);
  const { fetch, ended } = watched(fetchBy(agent));
  const mode = era === "legacy" ? era : { pin: "2026-07-28" };
  const client = new Client({ name: "anypod-walker", version: "1.0.0" }, { versionNegotiation: { mode } });
  try {
    await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch }));
    for (const each of steps) await take(client, each);
    await client.close();
    return await ended();
  } finally {
    await agent.destroy();
  }
}

async function take(client: Client, { method, params }: Step): Promise<void> {
  if (method !== "subscriptions/listen") await client.request({ method, params } as never);
  // Ends by saying `notifications/cancelled`.
  else await (await client.listen({ toolsListChanged: true })).close();
}
