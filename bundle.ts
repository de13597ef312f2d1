// `npm run build`: the operator and all that it imports as a few small files in dist/, without node_modules.
import { rmSync } from "node:fs";
import { isBuiltin } from "node:module";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const main = fileURLToPath(new URL("operator/main.ts", import.meta.url));

/** Of client-node only KubeConfig is used; it doesn't say that its files, one for each kind of Kubernetes, may be left out. */
const onlyWhatIsUsed: Plugin = {
  name: "only what is used",
  setup({ onResolve, resolve }) {
    onResolve({ filter: /./ }, async ({ path, pluginData, ...from }) => {
      const isTheirs = /client-node/.test(from.importer) || path === "@kubernetes/client-node";
      if (pluginData === onlyWhatIsUsed || !isTheirs) return;
      return { ...(await resolve(path, { ...from, pluginData: onlyWhatIsUsed })), sideEffects: false };
    });
  },
};

/** An entry of undici with what is used of it: its own loads all, a browser's fetch, caches and mocks too. */
const undici = `
  import Dispatcher from "undici/lib/dispatcher/dispatcher.js";
  import request from "undici/lib/api/api-request.js";
  Dispatcher.prototype.request = request;
  export { default as Agent } from "undici/lib/dispatcher/agent.js";
  export { default as ProxyAgent } from "undici/lib/dispatcher/proxy-agent.js";
  export const fetch = (...args) => globalThis.fetch(...args);
`;
const partOfUndici: Plugin = {
  name: "part of undici",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^undici$/ }, ({ path }) => ({ path, namespace: "part" }));
    onLoad({ filter: /./, namespace: "part" }, () => ({ contents: undici, resolveDir: import.meta.dirname }));
  },
};

/**
 * Modules of Node.js are required: to import one loads all that it exports, and with `node:http` comes the whole of fetch,
 * 16 MiB of it.
 */
const builtinsRequired: Plugin = {
  name: "builtins required",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /./ }, ({ path, kind }) =>
      kind === "import-statement" && isBuiltin(path) ? { path, namespace: "builtin", sideEffects: false } : undefined,
    );
    onLoad({ filter: /./, namespace: "builtin" }, ({ path }) => ({ contents: `module.exports = require("${path}")` }));
  },
};

/**
 * Writes anypod.mjs and its chunks into the folder. What a command doesn't need stays in chunks that it doesn't load, and
 * names are kept whole only where stack traces show them: together that is a quarter of the memory of an idle operator.
 * @param entry another checkout's operator/main.ts
 */
export async function bundleOperator(folder: string, entry = main): Promise<string> {
  await build({
    entryPoints: { anypod: entry },
    outdir: folder,
    outExtension: { ".js": ".mjs" },
    chunkNames: "[name]-[hash]",
    bundle: true,
    plugins: [builtinsRequired, partOfUndici, onlyWhatIsUsed],
    splitting: true,
    minifySyntax: true,
    minifyWhitespace: true,
    platform: "node",
    format: "esm",
    target: "node24",
    legalComments: "none",
    logLevel: "error",
    // CommonJS dependencies call `require`, which an ES module doesn't have.
    banner: {
      js: 'import * as nodeModule from "node:module"; globalThis.require ??= nodeModule.createRequire(import.meta.url);',
    },
  });
  return `${folder}/anypod.mjs`;
}

if (import.meta.main) {
  rmSync("dist", { recursive: true, force: true });
  console.log(await bundleOperator("dist"));
}
