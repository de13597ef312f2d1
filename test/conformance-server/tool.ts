// The shape of a tool here, and tools/call over a table of them. McpServer's own tools/call turns whatever a tool throws into
// a result with isError; the suite wants some errors on the wire (-32021), so protocol errors pass through this one.
import {
  type CallToolResult,
  type InputRequiredResult,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
  type RequestStateCodec,
  type ServerContext,
  type ServerEventBus,
  type StandardSchemaWithJSON,
} from "@modelcontextprotocol/server";
import * as z from "zod";
import type { Tasks } from "../../examples/basket/tasks.ts";

/** What tools may use. */
export interface Kit {
  readonly tasks: Tasks;
  readonly ring: RequestStateCodec;
  readonly bus: ServerEventBus;
}

export type Args = Readonly<Record<string, unknown>>;
export type Answer = CallToolResult | InputRequiredResult;

export interface Tool {
  readonly name: string;
  readonly description: string;
  readonly inputSchema?: StandardSchemaWithJSON;
  readonly call: (args: Args, context: ServerContext, kit: Kit) => Answer | Promise<Answer>;
}

export function text(words: string): CallToolResult {
  return { content: [{ type: "text", text: words }] };
}

/** Lists `tools` through McpServer, which also checks their x-mcp-header parameters, and answers tools/call itself. */
export function offerTools(mcp: McpServer, tools: readonly Tool[], kit: Kit): void {
  const table = new Map(tools.map((tool) => [tool.name, tool]));
  for (const { name, description, inputSchema = z.object({}) } of tools) {
    mcp.registerTool(name, { description, inputSchema }, () => text("tools/call below answers"));
  }
  mcp.server.setRequestHandler("tools/call", async ({ params }, context) => {
    const tool = table.get(params.name);
    if (tool === undefined) throw new ProtocolError(ProtocolErrorCode.InvalidParams, `Tool ${params.name} not found`);
    return callTool(tool, params.arguments ?? {}, { context, kit });
  });
}

async function callTool(
  tool: Tool,
  args: Args,
  { context, kit }: { context: ServerContext; kit: Kit },
): Promise<Answer> {
  try {
    return await tool.call(await checkArgs(tool, args), context, kit);
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    return { ...text(error instanceof Error ? error.message : String(error)), isError: true };
  }
}

async function checkArgs({ inputSchema }: Tool, args: Args): Promise<Args> {
  if (inputSchema === undefined) return args;
  const checked = await inputSchema["~standard"].validate(args);
  if (checked.issues) throw new Error(checked.issues.map(({ message }) => message).join("; "));
  return checked.value as Args;
}
