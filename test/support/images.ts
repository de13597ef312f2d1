// The images that tests and the demo run: the sample server in two versions, the conformance server, the driver.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { buildImage } from "../cluster/image.ts";
import type { Cluster } from "../cluster/index.ts";

export const basket = "localhost/basket-mcp:1.0.0";
/** The same server under a later version, which it tells with every answer. */
export const newBasket = "localhost/basket-mcp:1.1.0";
export const conformance = "localhost/conformance-mcp:1.0.0";
export const driver = "localhost/driver:1.0.0";

const entry = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const suite = () => createRequire(import.meta.url).resolve("@modelcontextprotocol/conformance/dist/index.js");

const builds = {
  [basket]: () => ({ bundle: entry("examples/basket/server.ts"), env: { SERVER_VERSION: "1.0.0" } }),
  [newBasket]: () => ({ bundle: entry("examples/basket/server.ts"), env: { SERVER_VERSION: "1.1.0" } }),
  [conformance]: () => ({ bundle: entry("test/conformance-server/server.ts") }),
  [driver]: () => ({ bundle: entry("test/driver/main.ts") }),
};
export type ImageName = keyof typeof builds;

/** Builds the images and makes the cluster know them. */
export async function loadImages(cluster: Cluster, names: ImageName[], log: (line: string) => void): Promise<void> {
  for (const name of names) {
    const archive = await buildImage({ name, ...builds[name]!(), log });
    await cluster.loadImage(archive);
  }
}
