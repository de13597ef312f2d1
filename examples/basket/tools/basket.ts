// create_basket, add_item, show_basket: state between calls travels as an explicit handle, never as a session.
import * as z from "zod";
import { type OfferTools, reply } from "./tool.ts";

export const basketId = z.string().describe("The basket_id that create_basket returned");

export const offerBasket: OfferTools = (server, { self, baskets }) => {
  server.registerTool("create_basket", { description: "Creates an empty basket and returns its basket_id" }, async () =>
    reply({ basket_id: await baskets.create(), ...self }),
  );

  server.registerTool(
    "add_item",
    {
      description: "Puts an item into a basket",
      inputSchema: z.object({ basket_id: basketId, item: z.string().min(1).max(200) }),
    },
    async ({ basket_id, item }) => {
      await baskets.add(basket_id, item);
      return reply({ basket_id, items: await baskets.items(basket_id), ...self });
    },
  );

  server.registerTool(
    "show_basket",
    { description: "Shows what is in a basket", inputSchema: z.object({ basket_id: basketId }) },
    async ({ basket_id }) => reply({ basket_id, items: await baskets.items(basket_id), ...self }),
  );
};
