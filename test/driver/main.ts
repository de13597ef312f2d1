// The driver as a program: without arguments a control server on CONTROL_PORT, with arguments one command for people.
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { makeCalls } from "./calls.ts";
import { describeError } from "./client.ts";
import { runConformance } from "./conformance.ts";
import { createControl } from "./control.ts";
import { startLoad } from "./load.ts";
import { askAcrossPods } from "./question.ts";
import { parseUpstreams } from "./round-robin.ts";

const USAGE = `usage: node test/driver/main.ts                                     serve on CONTROL_PORT (9000)
       node test/driver/main.ts calls <url> [n]
       node test/driver/main.ts question <url>
       node test/driver/main.ts load <url> <seconds> [workers]
       node test/driver/main.ts conformance <host:port,…> [path] [scenario]`;

const commands: Readonly<Record<string, (...args: string[]) => Promise<unknown>>> = {
  calls: (url = "", n = "100") => makeCalls(url, Number(n)),
  question: (url = "") => askAcrossPods(url),
  load: async (url = "", seconds = "10", workers = "8") => {
    const load = await startLoad(url, Number(workers));
    await sleep(Number(seconds) * 1000);
    return load.stop();
  },
  conformance: (upstreams = "", path = "/mcp", scenario?: string) =>
    runConformance(parseUpstreams(upstreams), path, scenario),
};

const [name, ...args] = process.argv.slice(2);
if (name === undefined) {
  const port = Number(process.env.CONTROL_PORT || 9000);
  const server = createControl();
  server.listen(port, () => console.log(JSON.stringify({ msg: "listening", ...(server.address() as AddressInfo) })));
  process.once("SIGTERM", () => process.exit(0));
} else {
  const command = commands[name];
  if (command === undefined || args.length === 0) {
    console.error(USAGE);
    process.exit(2);
  }
  try {
    console.log(JSON.stringify(await command(...args), null, 2));
  } catch (error) {
    console.error(describeError(error));
    process.exitCode = 1;
  }
}
