// checkout: asks back (MRTR). The first answer is a question with sealed state; the client calls again with its answer and
// that state, and any pod that has the ring can go on from there.
import { acceptedContent, inputRequired } from "@modelcontextprotocol/server";
import * as z from "zod";
import { basketId } from "./basket.ts";
import { type OfferTools, reply } from "./tool.ts";

const delivery = z.object({ delivery: z.enum(["standard", "express"]) });

// Sealed means signed, not encrypted: the client can read this, but not change it.
const checkoutState = z.object({ tool: z.literal("checkout"), askedBy: z.string(), items: z.array(z.string()) });

export const offerCheckout: OfferTools = (server, { self, baskets, ring }) => {
  server.registerTool(
    "checkout",
    {
      description: "Orders what is in a basket, after asking how to deliver it",
      inputSchema: z.object({ basket_id: basketId.optional() }),
    },
    async ({ basket_id }, { mcpReq }) => {
      const choice = acceptedContent(mcpReq.inputResponses, "delivery", delivery);
      const state = checkoutState.safeParse(mcpReq.requestState());
      if (choice !== undefined && state.success) {
        const { askedBy, items } = state.data;
        return reply({ ordered: items, ...choice, askedBy, answeredBy: self.pod });
      }
      const items = basket_id === undefined ? [] : await baskets.items(basket_id);
      return inputRequired({
        inputRequests: {
          delivery: inputRequired.elicit({ message: "How shall we deliver?", requestedSchema: delivery }),
        },
        requestState: await ring.mint({ tool: "checkout", askedBy: self.pod, items }),
      });
    },
  );
};
