// The images that tests and the demo run: the sample server in two versions, the conformance server, the driver.
import { fileURLToPath } from "node:url";
import { buildImage, bundleToFile, type ImageOptions } from "../cluster/image.ts";
import type { Cluster } from "../cluster/index.ts";

export const basket = "localhost/basket-mcp:1.0.0";
/** The same server under a later version, which it tells with every answer. */
export const newBasket = "localhost/basket-mcp:1.1.0";
export const conformance = "localhost/conformance-mcp:1.0.0";
export const driver = "localhost/driver:1.0.0";

const entry = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** The conformance suite as one file, and the data that it looks for beside its folder. */
async function suiteFiles(): Promise<Record<string, string>> {
  const suite = entry("node_modules/@modelcontextprotocol/conformance/dist/index.js");
  const requirements = "requirements/2026-07-28.yaml";
  return {
    [suiteInImage]: await bundleToFile(suite),
    [`/app/suite/${requirements}`]: entry(`node_modules/@modelcontextprotocol/conformance/${requirements}`),
  };
}
const suiteInImage = "/app/suite/dist/index.mjs";

type Content = Pick<ImageOptions, "bundle" | "env" | "files">;
const builds = {
  [basket]: (): Content => ({ bundle: entry("examples/basket/server.ts"), env: { SERVER_VERSION: "1.0.0" } }),
  [newBasket]: (): Content => ({ bundle: entry("examples/basket/server.ts"), env: { SERVER_VERSION: "1.1.0" } }),
  [conformance]: (): Content => ({ bundle: entry("test/conformance-server/server.ts") }),
  [driver]: async (): Promise<Content> => ({
    bundle: entry("test/driver/main.ts"),
    env: { CONFORMANCE_CLI: suiteInImage },
    files: await suiteFiles(),
  }),
};
export type ImageName = keyof typeof builds;

/** Builds the images and makes the cluster know them. */
export async function loadImages(cluster: Cluster, names: ImageName[], log: (line: string) => void): Promise<void> {
  for (const name of names) {
    const archive = await buildImage({ name, ...(await builds[name]!()), log });
    await cluster.loadImage(archive);
  }
}
