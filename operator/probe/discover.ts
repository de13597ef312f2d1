// Asks a server's pods what they can do (`server/discover`, https://modelcontextprotocol.io/specification/2026-07-28/server/discover).
import { modernVersion } from "../api/routing.ts";
import { post } from "./http.ts";

/** What the pods answered; undefined: nothing that could be made sense of. */
export interface Discovered {
  /** Names of the protocol's extensions, such as `io.modelcontextprotocol/tasks`. */
  extensions: string[];
}

export const tasksExtension = "io.modelcontextprotocol/tasks";

const method = "server/discover";
const headers = {
  accept: "application/json, text/event-stream",
  "mcp-protocol-version": modernVersion,
  "mcp-method": method,
};
const request = {
  jsonrpc: "2.0",
  id: "anypod",
  method,
  params: {
    _meta: {
      "io.modelcontextprotocol/protocolVersion": modernVersion,
      "io.modelcontextprotocol/clientCapabilities": {},
      "io.modelcontextprotocol/clientInfo": { name: "anypod", version: "1" },
    },
  },
};

interface Reply {
  result?: { capabilities?: { extensions?: Record<string, unknown> } };
}

/** The reply in the body: JSON as it is, or the first event of a stream that is one; others are notifications, or empty. */
function replyOf(text: string): Reply {
  const events = [...text.matchAll(/^data: ?(.*)$/gm)].flatMap(([, data = ""]) => (data.trim() === "" ? [] : [data]));
  const messages = (events.length > 0 ? events : [text]).map((each) => JSON.parse(each) as Reply);
  return messages.find(({ result }) => result !== undefined) ?? {};
}

/** What stands before the server, or the server while it starts, and not what it can do. */
const isPassing = (status: number) => status === 429 || status >= 500;

/** Never rejects. */
export async function discover(url: string): Promise<Discovered | "no answer"> {
  try {
    const { status, text } = await post(url, headers, request);
    if (isPassing(status)) return "no answer";
    const { result } = replyOf(text);
    return { extensions: Object.keys(result?.capabilities?.extensions ?? {}).sort() };
  } catch (error) {
    // A body that is no JSON is an answer too: of a server that knows of no extension.
    return error instanceof SyntaxError ? { extensions: [] } : "no answer";
  }
}
