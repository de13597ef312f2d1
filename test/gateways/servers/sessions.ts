// A server of 2025-11-25 as many still are: it keeps sessions in memory, so that only the pod that began one knows it.
import { randomUUID } from "node:crypto";
import { McpServer, WebStandardStreamableHTTPServerTransport } from "@modelcontextprotocol/server";
import { serve } from "./http.ts";

const sessions = new Map<string, WebStandardStreamableHTTPServerTransport>();

async function begin(): Promise<WebStandardStreamableHTTPServerTransport> {
  const transport = new WebStandardStreamableHTTPServerTransport({
    sessionIdGenerator: randomUUID,
    enableJsonResponse: true,
    onsessioninitialized: (id) => void sessions.set(id, transport),
  });
  const server = new McpServer({ name: "sessions", version: "1.0.0" });
  let calls = 0;
  server.registerTool("count", { description: "Counts the calls of this session" }, () => {
    calls += 1;
    return { content: [{ type: "text", text: String(calls) }] };
  });
  await server.connect(transport);
  return transport;
}

serve(async (request) => {
  const known = sessions.get(request.headers.get("mcp-session-id") ?? "");
  return (known ?? (await begin())).handleRequest(request);
});
