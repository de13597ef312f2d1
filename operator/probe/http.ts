// One POST to a server or an endpoint. With undici's own client, which the operator has in use anyway: Node.js' fetch would
// bring another one, 16 MiB of it.
import { Agent } from "undici";

/** How long whoever is asked may take to answer, in milliseconds. */
export const patience = 5000;

/** What is asked is asked once in minutes: no connection is kept. */
const agent = new Agent({ pipelining: 0, connect: { timeout: patience } });

export interface Answer {
  status: number;
  text: string;
}

/** @throws what undici throws when no answer comes in time */
export async function post(url: string, headers: Record<string, string>, body: object): Promise<Answer> {
  const { origin, pathname, search } = new URL(url);
  const { statusCode, body: answer } = await agent.request({
    origin,
    path: pathname + search,
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(patience),
  });
  return { status: statusCode, text: await answer.text() };
}
