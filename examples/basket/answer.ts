// Whether an answer that passes by is a failure. HTTP says so of few: most come with status 200, in JSON or at the end of a
// stream of events.

/** Told the code of a JSON-RPC error, or `tool_error`: https://opentelemetry.io/docs/specs/semconv/gen-ai/mcp/ */
type Found = (failure: string) => void;

/** The same answer; `found` is called before its end reaches the client. */
export async function watchAnswer(answer: Response, found: Found): Promise<Response> {
  const type = answer.headers.get("content-type") ?? "";
  if (answer.body === null) return answer;
  if (type.includes("json")) {
    const text = await answer.text();
    look(text, found);
    return new Response(text, answer);
  }
  return type.includes("event-stream") ? new Response(answer.body.pipeThrough(events(found)), answer) : answer;
}

/** Looks at each event of a stream, and holds none of them back. */
function events(found: Found): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  let unread = "";
  return new TransformStream({
    transform: (chunk, controller) => {
      controller.enqueue(chunk);
      const lines = `${unread}${decoder.decode(chunk, { stream: true })}`.split("\n");
      unread = lines.pop() ?? "";
      for (const line of lines) if (line.startsWith("data:")) look(line.slice("data:".length), found);
    },
  });
}

function look(json: string, found: Found): void {
  // Most answers needn't be parsed a second time.
  if (!json.includes('"error"') && !json.includes('"isError"')) return;
  const failure = failureIn(json);
  if (failure !== undefined) found(failure);
}

function failureIn(json: string): string | undefined {
  try {
    const { error, result } = JSON.parse(json);
    if (typeof error?.code === "number") return String(error.code);
    return result?.isError === true ? "tool_error" : undefined;
  } catch {
    // What is no JSON is no JSON-RPC error.
  }
}
