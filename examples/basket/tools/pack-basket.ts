// pack_basket: long work as a task, for clients that take tasks; the others wait for the answer.
import { setTimeout as sleep } from "node:timers/promises";
import { inputRequired } from "@modelcontextprotocol/server";
import * as z from "zod";
import { type Finish, takesTasks } from "../tasks.ts";
import { basketId } from "./basket.ts";
import { type OfferTools, reply } from "./tool.ts";

const LONGEST_MS = 25_000;

const packing = z.object({ items: z.array(z.string()), startedBy: z.string() });
const card = z.object({ text: z.string().max(200) });

export const offerPackBasket: OfferTools = (server, { self, baskets, tasks }) => {
  server.registerTool(
    "pack_basket",
    {
      description: "Packs a basket; with a card, it asks for the card's text before it goes on",
      inputSchema: z.object({
        basket_id: basketId,
        milliseconds: z.number().int().min(0).max(LONGEST_MS).default(1000),
        with_card: z.boolean().default(false),
      }),
    },
    async ({ basket_id, milliseconds, with_card }, context) => {
      const input = { items: await baskets.items(basket_id), startedBy: self.pod };
      if (takesTasks(context)) {
        const question = inputRequired.elicit({ message: "What shall the card say?", requestedSchema: card });
        return tasks.start({ kind: "pack", input, milliseconds, ...(with_card && { questions: { card: question } }) });
      }
      await sleep(milliseconds, undefined, { signal: context.mcpReq.signal });
      return finishPacking(input, {});
    },
  );
};

/** The end of a packing task, on whichever pod is asked for it. */
export const finishPacking: Finish = (input, answers) => {
  const { items, startedBy } = packing.parse(input);
  const answer = z.object({ action: z.literal("accept"), content: card }).safeParse(answers.card);
  return reply({ packed: items, startedBy, ...(answer.success && { card: answer.data.content.text }) });
};
