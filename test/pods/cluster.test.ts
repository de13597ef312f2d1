// The node that tests run pods on: it ends with whoever started it, pods, mounts, cgroups and all.
import { execFileSync } from "node:child_process";
import { networkInterfaces } from "node:os";
import { describe, expect, test } from "vitest";
import { nothingIsLeft, type Starter, startedElsewhere } from "../cluster/killing.ts";
import { leftovers, namespaceIds } from "../cluster/leftovers.ts";
import { pauseImageName } from "../cluster/pause-image.ts";
import { chooseProvider } from "../cluster/providers.ts";
import { ask } from "../cluster/state.ts";
import { smallDiskClass } from "../cluster/volumes.ts";

const { provider } = await chooseProvider("pods");

describe.runIf(provider === "node")("a node with a running pod", { timeout: 90_000 }, () => {
  test("leaves nothing behind when its starter is killed", async () => {
    const name = "killed-starter";
    const interfaces = Object.keys(networkInterfaces());
    const starter = await startedElsewhere("pods", name);
    runPod(starter);
    const namespaces = namespaceIds(name);
    // The pod's sandbox and its container.
    expect(leftovers(name, namespaces).filter((what) => /^process \d+ \/pause/.test(what))).toHaveLength(2);
    starter.kill("SIGKILL");
    await nothingIsLeft(name, namespaces);
    expect(Object.keys(networkInterfaces())).toEqual(interfaces);
  });

  test("leaves nothing behind when its supervisor is killed", async () => {
    const name = "killed-supervisor";
    const starter = await startedElsewhere("pods", name);
    runPod(starter);
    const namespaces = namespaceIds(name);
    const supervisor = await ask(name, { do: "status" });
    process.kill(supervisor!.pid, "SIGKILL");
    starter.kill("SIGKILL");
    await nothingIsLeft(name, namespaces);
  });

  test("leaves nothing behind when its starter is killed while it starts", async () => {
    const name = "killed-early";
    const starter = await startedElsewhere("pods", name, { ready: false });
    starter.kill("SIGKILL");
    await nothingIsLeft(name, []);
  });
});

/** A pod with a disk of its own. */
function runPod({ kubectl, kubeconfig }: Starter): void {
  const claim = {
    apiVersion: "v1",
    kind: "PersistentVolumeClaim",
    metadata: { name: "disk" },
    spec: {
      storageClassName: smallDiskClass,
      accessModes: ["ReadWriteOnce"],
      resources: { requests: { storage: "1Mi" } },
    },
  };
  const pod = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "pod" },
    spec: {
      containers: [{ name: "pod", image: pauseImageName, volumeMounts: [{ name: "disk", mountPath: "/disk" }] }],
      volumes: [{ name: "disk", persistentVolumeClaim: { claimName: "disk" } }],
    },
  };
  const run = (args: string[], input = "") =>
    execFileSync(kubectl, ["--kubeconfig", kubeconfig, ...args], { stdio: "pipe", input });
  run(["apply", "-f", "-"], JSON.stringify({ apiVersion: "v1", kind: "List", items: [claim, pod] }));
  run(["wait", "pod/pod", "--for=condition=Ready", "--timeout=30s"]);
}
