// The program: settings, store, ring and tools put together. Wiring only.
import { openBaskets } from "./baskets.ts";
import { createBasketServer } from "./mcp.ts";
import packageJson from "./package.json" with { type: "json" };
import { start } from "./start.ts";
import { openTasks } from "./tasks.ts";
import { finishPacking } from "./tools/pack-basket.ts";

await start("basket", packageJson.version, ({ settings, store, ring }) => {
  const shop = {
    self: { pod: settings.pod, version: settings.version },
    baskets: openBaskets(store),
    tasks: openTasks(store, { pack: finishPacking }),
    ring,
  };
  return { createServer: () => createBasketServer(shop) };
});
