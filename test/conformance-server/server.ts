// The server that the official conformance suite is run against, with the environment of the basket server.
import { InMemoryServerEventBus } from "@modelcontextprotocol/server";
import { start } from "../../examples/basket/start.ts";
import { openTasks } from "../../examples/basket/tasks.ts";
import { createConformanceServer } from "./mcp.ts";
import { taskKinds } from "./tools/tasks.ts";

await start("conformance", "1.0.0", ({ settings, store, ring }) => {
  const kit = { tasks: openTasks(store, taskKinds), ring, bus: new InMemoryServerEventBus() };
  return { createServer: () => createConformanceServer(settings.version, kit), bus: kit.bus };
});
