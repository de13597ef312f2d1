// A program that starts a cluster and holds it, for the tests that kill it: `node starter.ts MODE NAME`.
import { startCluster } from "./index.ts";
import type { Mode } from "./providers.ts";

const [mode, name] = process.argv.slice(2) as [Mode, string];
console.log("starting");
const { kubectl, kubeconfig } = await startCluster({ mode, name });
console.log(JSON.stringify({ kubectl, kubeconfig }));
// Holds it until it is killed.
setInterval(() => undefined, 60_000);
