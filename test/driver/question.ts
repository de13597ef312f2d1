// A question that one pod asks and another one answers (MRTR): works only when the pods share the requestState ring.
import type { Client } from "@modelcontextprotocol/client";
import * as z from "zod";
import { connect, describeError } from "./client.ts";

const MOST_TRIES = 50;

export interface Question {
  readonly askedBy?: string;
  readonly answeredBy?: string;
  readonly tries: number;
  readonly error?: string;
}

const outcome = z.object({ askedBy: z.string(), answeredBy: z.string() });

/** Orders once. */
export async function ask(client: Client): Promise<z.output<typeof outcome>> {
  client.setRequestHandler("elicitation/create", () => ({ action: "accept", content: { delivery: "express" } }));
  const result = await client.callTool({ name: "checkout", arguments: {} });
  return outcome.parse(result.structuredContent);
}

/** Orders again and again until the question and its answer were on different pods; `error` tells why that did not happen. */
export async function askAcrossPods(url: string, mostTries = MOST_TRIES, via?: string): Promise<Question> {
  await using caller = await connect(url, "fresh", via);
  for (let tries = 1; tries <= mostTries; tries += 1) {
    try {
      const { askedBy, answeredBy } = await ask(caller.client);
      if (askedBy !== answeredBy) return { askedBy, answeredBy, tries };
    } catch (error) {
      return { tries, error: describeError(error) };
    }
  }
  return { tries: mostTries, error: "each question was answered by the pod that asked it" };
}
