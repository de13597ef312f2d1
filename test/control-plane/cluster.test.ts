// The control plane that tests run against: it ends with whoever started it, however that ends.
import { describe, expect, test } from "vitest";
import { startCluster } from "../cluster/index.ts";
import { nothingIsLeft, startedElsewhere } from "../cluster/killing.ts";
import { leftovers } from "../cluster/leftovers.ts";
import { chooseProvider } from "../cluster/providers.ts";

const { provider } = await chooseProvider("control-plane");

describe.runIf(provider === "control-plane")("a control plane", { timeout: 60_000 }, () => {
  test("of a starter that is killed leaves no process and no file behind", async () => {
    const name = "killed-cp";
    const starter = await startedElsewhere("control-plane", name);
    expect(leftovers(name, [])).not.toEqual([]);
    starter.kill("SIGKILL");
    await nothingIsLeft(name, []);
  });

  test("of a starter that is killed while it starts leaves no process and no file behind", async () => {
    const name = "killed-early-cp";
    const starter = await startedElsewhere("control-plane", name, { ready: false });
    starter.kill("SIGKILL");
    await nothingIsLeft(name, []);
  });

  test("is refused a name that another one has", async () => {
    const cluster = await startCluster({ mode: "control-plane", name: "taken" });
    try {
      await expect(startCluster({ mode: "control-plane", name: "taken" })).rejects.toThrow(
        'a cluster "taken" already runs',
      );
    } finally {
      await cluster.stop();
    }
    expect(leftovers("taken", [])).toEqual([]);
  });
});
