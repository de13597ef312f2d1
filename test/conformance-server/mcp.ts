// The table of contents: all that the official conformance suite calls by name.
import { McpServer } from "@modelcontextprotocol/server";
import { tasksCapability } from "../../examples/basket/tasks.ts";
import { offerPrompts } from "./prompts.ts";
import { offerResources } from "./resources.ts";
import { type Kit, offerTools, type Tool } from "./tool.ts";
import { changeTools } from "./tools/changes.ts";
import { clientFeatureTools } from "./tools/client-features.ts";
import { contentTools } from "./tools/content.ts";
import { inputRequiredTools } from "./tools/input-required.ts";
import { schemaTools } from "./tools/schemas.ts";
import { streamingTools } from "./tools/streaming.ts";
import { taskTools } from "./tools/tasks.ts";

const tools = [
  ...contentTools,
  ...streamingTools,
  ...schemaTools,
  ...changeTools,
  ...clientFeatureTools,
  ...inputRequiredTools,
  ...taskTools,
];

/** @param more tools that the suite doesn't know */
export function createConformanceServer(version: string, kit: Kit, more: readonly Tool[] = []): McpServer {
  const mcp = new McpServer(
    { name: "conformance", version },
    {
      capabilities: {
        tools: { listChanged: true },
        prompts: { listChanged: true },
        resources: {},
        completions: {},
        logging: {},
        extensions: tasksCapability,
      },
      requestState: { verify: kit.ring.verify },
    },
  );
  offerTools(mcp, [...tools, ...more], kit);
  offerResources(mcp);
  offerPrompts(mcp);
  kit.tasks.offer(mcp);
  return mcp;
}
