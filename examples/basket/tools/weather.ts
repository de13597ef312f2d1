// wétter: a tool with a name that isn't ASCII. On the wire, its Mcp-Name header is `=?base64?d8OpdHRlcg==?=`.
import * as z from "zod";
import { type OfferTools, reply } from "./tool.ts";

export const offerWeather: OfferTools = (server, { self }) => {
  server.registerTool(
    "wétter",
    { description: "Tells the weather for a delivery", inputSchema: z.object({ city: z.string() }) },
    async ({ city }) => reply({ city, weather: city.length % 2 === 0 ? "sun" : "rain", ...self }),
  );
};
