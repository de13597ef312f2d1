// The node's network, inside its own network namespace: nothing here touches an interface, route or rule of the machine.
import { execFile } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { promisify } from "node:util";

const run = promisify(execFile);

export const nodeAddress = "10.89.0.2";
export const podRange = "10.244.0.0/24";

/** Brings up a bridge as the node's interface (not every kernel has dummy devices), with the default route on it. */
export async function createNetwork(): Promise<void> {
  await ip("link set lo up");
  await ip("link add node0 type bridge");
  await ip(`address add ${nodeAddress}/24 dev node0`);
  await ip("link set node0 up");
  await ip("route add default dev node0");
  writeFileSync("/proc/sys/net/ipv4/ip_forward", "1");
  await filterBridgedTraffic();
}

/** Or a Service's answers, from one pod to another on the same bridge, would not come from the Service's address. */
async function filterBridgedTraffic(): Promise<void> {
  const setting = "/proc/sys/net/bridge/bridge-nf-call-iptables";
  if (!existsSync(setting)) await run("modprobe", ["br_netfilter"]).catch(() => undefined);
  if (!existsSync(setting))
    throw new Error("the kernel lacks br_netfilter, and it could not be loaded: Services need it");
  writeFileSync(setting, "1");
}

async function ip(command: string): Promise<void> {
  await run("ip", command.split(" "));
}

/** What containerd hands to the CNI plugins for each pod. */
export const cniConfig = {
  cniVersion: "1.0.0",
  name: "pods",
  plugins: [
    {
      type: "bridge",
      bridge: "cni0",
      isGateway: true,
      ipMasq: true,
      hairpinMode: true,
      ipam: { type: "host-local", ranges: [[{ subnet: podRange }]], routes: [{ dst: "0.0.0.0/0" }] },
    },
    { type: "portmap", capabilities: { portMappings: true } },
  ],
};
