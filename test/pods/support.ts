// What the tests with pods share: a namespace that enforces pod security `restricted`, an operator, a driver.
import { inject } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { type Driver, serviceAddress, startDriver } from "../support/driver.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually } from "../support/wait.ts";

export interface PodWorld {
  kube: TestKube;
  /** Whoever ends it puts another one here. */
  operator: RunningOperator;
  driver: Driver;
  /** Applies a server and waits until it is Ready with this many pods that take calls. */
  run(name: string, spec: SpecInput, pods: number): Promise<void>;
  /** Waits until the server has exactly this many pods, all taking calls. */
  pods(name: string, count: number): Promise<AnyObject[]>;
  /** Where clients in the cluster reach the server's Service, when they do. */
  address(name: string): Promise<string>;
  url(name: string): Promise<string>;
  end(): Promise<void>;
}

const isReady = ({ status, metadata }: AnyObject) =>
  !metadata.deletionTimestamp &&
  status.conditions?.some((each: AnyObject) => each.type === "Ready" && each.status === "True");

/** @param flags of the operator */
export async function podWorld(...flags: string[]): Promise<PodWorld> {
  const kubeconfig = inject("kubeconfig");
  const kube = await testKube(kubeconfig, { "pod-security.kubernetes.io/enforce": "restricted" });
  const [operator, driver] = await Promise.all([
    startOperator(inject("operator").kubeconfig, ...flags),
    startDriver(kube.client, kube.namespace),
  ]);

  const pods = (name: string, count: number) =>
    eventually(
      `${name} has ${count} pods that take calls`,
      async () => {
        const { items } = await kube.client.json<{ items: AnyObject[] }>({
          path: `/api/v1/namespaces/${kube.namespace}/pods`,
          query: { labelSelector: `anypod.dev/server=${name},app.kubernetes.io/component=mcp-server` },
        });
        return items.length === count && items.every(isReady) && items;
      },
      150,
    );
  const world: PodWorld = {
    kube,
    operator,
    driver,
    pods,
    async run(name, spec, count) {
      await kube.applyServer(name, spec);
      await kube.condition(name, "Ready", { status: "True" }, 150);
      await pods(name, count);
    },
    async address(name) {
      const address = await serviceAddress(kube.client, kube.namespace, name);
      // A Service with new endpoints is no call's way until the node's proxy has heard of them.
      await eventually(`${address} answers`, () =>
        driver.send({ url: `http://${address}/`, method: "GET" }).then(
          () => true,
          () => false,
        ),
      );
      return address;
    },
    url: async (name) => `http://${await world.address(name)}/mcp`,
    async end() {
      await world.operator.stop();
      await kube.client.json({ method: "DELETE", path: `/api/v1/namespaces/${kube.namespace}` });
      await kube.client.close();
    },
  };
  return world;
}
