// The start of a server, the same for each: settings, log, store and ring, or one clear line and exit code 1.
import type { McpServerFactory, RequestStateCodec, ServerEventBus } from "@modelcontextprotocol/server";
import { createLog } from "./log.ts";
import { createRing } from "./ring.ts";
import { serve } from "./serve.ts";
import { readSettings, type Settings } from "./settings.ts";
import { openStore, type Store } from "./store.ts";
import { openTelemetry } from "./telemetry.ts";

export interface Parts {
  readonly settings: Settings;
  readonly store: Store;
  readonly ring: RequestStateCodec;
}

export interface Served {
  readonly createServer: McpServerFactory;
  readonly bus?: ServerEventBus;
}

/** Reads the environment, opens what is shared, and serves what `build` makes of it until the process is told to end. */
export async function start(name: string, version: string, build: (parts: Parts) => Served): Promise<void> {
  const log = createLog({ server: name });
  // The SDK writes five plain lines for each request of a server that has a tool with a non-ASCII name.
  console.warn = (...words: unknown[]) => log.debug({ warning: words.map(String).join(" ") }, "console");
  try {
    const settings = readSettings(process.env, version);
    const own = log.child({ pod: settings.pod, version: settings.version });
    if (settings.keyIsRandom)
      own.warn("requestState is sealed with a random key: set MCP_REQUEST_STATE_KEY before running more than one pod");
    const store = openStore(settings.store, own);
    const served = build({ settings, store, ring: createRing(settings.keys) });
    const telemetry = await openTelemetry({ name, version: settings.version }, own);
    const close = async () => void (await Promise.all([store.close(), telemetry.close()]));
    serve({ settings, log: own, ...served, begin: telemetry.begin, close });
  } catch (error) {
    log.fatal({ error: error instanceof Error ? error.message : String(error) }, "cannot start");
    process.exitCode = 1;
  }
}
