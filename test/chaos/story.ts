// What users do in most scenarios, step by step: a server is made, changed, loses a pool, and gets a fixed number of pods.
import type { SpecInput } from "../../operator/api/mcpserver.ts";

export interface Step {
  name: string;
  /** The server's spec from now on. */
  spec: SpecInput;
}

const image = (version: string) => `registry.example.com/basket-mcp:${version}`;
/** From one pod on, where the autoscaler, which has no metrics here, leaves it. */
const autoscaling = { minReplicas: 1, maxReplicas: 4 };
const pools = [{ name: "slow" }];

export const serverName = "basket";

export const story: Step[] = [
  { name: "create", spec: { image: image("1.0.0"), autoscaling, network: {}, pools } },
  { name: "update", spec: { image: image("2.0.0"), port: 9000, autoscaling, network: {}, pools } },
  { name: "delete-pool", spec: { image: image("2.0.0"), port: 9000, autoscaling, network: {} } },
  { name: "fixed-replicas", spec: { image: image("2.0.0"), port: 9000, replicas: 3, network: {} } },
];
