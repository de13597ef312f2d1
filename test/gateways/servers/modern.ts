// A server of 2026-07-28 for tests of routing: all that the conformance server offers, and the tools that are named in its
// environment, in any language. It sends nothing to keep a stream alive.
import { createMcpHandler, InMemoryServerEventBus } from "@modelcontextprotocol/server";
import { createLog } from "../../../examples/basket/log.ts";
import { createRing } from "../../../examples/basket/ring.ts";
import { readSettings } from "../../../examples/basket/settings.ts";
import { openStore } from "../../../examples/basket/store.ts";
import { openTasks } from "../../../examples/basket/tasks.ts";
import { createConformanceServer } from "../../conformance-server/mcp.ts";
import { type Tool, text } from "../../conformance-server/tool.ts";
import { taskKinds } from "../../conformance-server/tools/tasks.ts";
import { serve } from "./http.ts";
import { silentTools } from "./silent-tools.ts";

console.warn = () => undefined;
const settings = readSettings(process.env, "1.0.0");
const store = openStore(settings.store, createLog({ server: "modern" }));
const kit = { tasks: openTasks(store, taskKinds), ring: createRing(settings.keys), bus: new InMemoryServerEventBus() };

const quick = (name: string): Tool => ({ name, description: "Answers at once", call: () => text("done") });
const named = (JSON.parse(process.env.TOOLS || "[]") as string[]).map(quick);
const create = () => createConformanceServer(settings.version, kit, [...silentTools, ...named]);
const handler = createMcpHandler(create, { bus: kit.bus, keepAliveMs: 0, legacy: "reject" });
serve((request) => handler.fetch(request));
