// The table of contents of this MCP server: its capabilities and its tools. One is made for each request.
import { McpServer } from "@modelcontextprotocol/server";
import { tasksCapability } from "./tasks.ts";
import { offerBasket } from "./tools/basket.ts";
import { offerCheckout } from "./tools/checkout.ts";
import { offerGiftWrap } from "./tools/gift-wrap.ts";
import { offerPackBasket } from "./tools/pack-basket.ts";
import { offerPrice } from "./tools/price.ts";
import type { Shop } from "./tools/tool.ts";
import { offerWeather } from "./tools/weather.ts";

const offers = [offerBasket, offerPrice, offerGiftWrap, offerWeather, offerCheckout, offerPackBasket];

export function createBasketServer(shop: Shop): McpServer {
  const server = new McpServer(
    { name: "basket", version: shop.self.version },
    {
      instructions: "Create a basket, keep its basket_id, and give it to the other tools.",
      capabilities: { tools: { listChanged: false }, extensions: tasksCapability },
      requestState: { verify: shop.ring.verify },
      cacheHints: { "tools/list": { ttlMs: 60_000, cacheScope: "public" } },
    },
  );
  for (const offer of offers) offer(server, shop);
  shop.tasks.offer(server);
  return server;
}
