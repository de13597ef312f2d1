// What goes over a client's fetch: which method, to which pod.
import type { Fetch } from "./client.ts";

export interface Exchange {
  /** The method in the message, whatever the headers say. */
  readonly method: string;
  /** The `Mcp-Method` header. */
  readonly said?: string;
  readonly name?: string;
  readonly status: number;
  /** The `X-Pod` header of the answer. */
  readonly pod: string;
  readonly session?: string;
  /** The message that came back, when it came in one piece. */
  readonly body?: string;
}

/** A fetch that remembers. `ended` waits for all that is under way. */
export function watched(fetch: Fetch): { fetch: Fetch; ended: () => Promise<Exchange[]> } {
  const exchanges: Promise<Exchange | undefined>[] = [];
  const own = (async (target: string, init: RequestInit) => {
    const answer = fetch(target, init);
    // What is given up has no answer.
    exchanges.push(answer.then((response) => exchange(init, response)).catch(() => undefined));
    return answer;
  }) as Fetch;
  const ended = async () => (await Promise.all(exchanges)).filter((each) => each !== undefined);
  return { fetch: own, ended };
}

async function exchange(init: RequestInit, response: Response): Promise<Exchange> {
  const sent = new Headers(init.headers);
  const optional = { said: sent.get("mcp-method"), name: sent.get("mcp-name"), session: sent.get("mcp-session-id") };
  const given = Object.entries(optional).filter((entry) => entry[1] !== null);
  const isWhole = response.headers.get("content-type")?.includes("json");
  return {
    method: typeof init.body === "string" ? JSON.parse(init.body).method : (init.method ?? "GET"),
    status: response.status,
    pod: response.headers.get("x-pod") ?? "",
    ...Object.fromEntries(given),
    ...(isWhole && { body: await response.clone().text() }),
  };
}
