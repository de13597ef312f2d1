// price: the fast tool. Its answer needs nothing but its arguments.
import * as z from "zod";
import { type OfferTools, reply } from "./tool.ts";

export const offerPrice: OfferTools = (server, { self }) => {
  server.registerTool(
    "price",
    { description: "Tells the price of an item in cents", inputSchema: z.object({ item: z.string() }) },
    async ({ item }) => reply({ item, cents: 100 + 25 * item.length, ...self }),
  );
};
