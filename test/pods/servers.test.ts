// Servers with real pods: what they are called, how they are kept, and what their conditions say when a pod can't run.
import { execFileSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import type { SpecInput } from "../../operator/api/mcpserver.ts";
import { parseFile } from "../../operator/api/parse.ts";
import { renderServers } from "../../operator/render.ts";
import { basket as image } from "../support/images.ts";
import { eventually } from "../support/wait.ts";
import { type PodWorld, podWorld } from "./support.ts";

let world: PodWorld;
beforeAll(async () => {
  world = await podWorld();
});
afterAll(() => world.end());

const answers = async (server: string) => {
  const { failed, calls } = await world.driver.calls(await world.url(server), 10);
  return { failed, calls };
};

describe("names", () => {
  test("a server of 63 characters with a pool at the limit runs and answers", async () => {
    const name = `a${"b".repeat(61)}c`;
    await world.run(name, { image, replicas: 1, pools: [{ name: "p".repeat(63) }] }, 2);
    expect(await answers(name)).toEqual({ failed: 0, calls: 10 });
  });

  test("two servers with a shared prefix of 60 characters, each with pools, keep apart", async () => {
    const prefix = "s".repeat(60);
    const spec: SpecInput = { image, replicas: 1, pools: [{ name: "one" }] };
    await Promise.all([world.run(`${prefix}aa`, spec, 2), world.run(`${prefix}bb`, spec, 2)]);
    expect(await answers(`${prefix}aa`)).toEqual({ failed: 0, calls: 10 });
    await world.kube.remove("McpServer", `${prefix}aa`);
    await eventually("the first is gone", async () => (await world.kube.childrenOf(`${prefix}aa`)).length === 0, 90);
    expect(await answers(`${prefix}bb`)).toEqual({ failed: 0, calls: 10 });
    await world.kube.remove("McpServer", `${prefix}bb`);
  });
});

test("status tells where the server is, and how many pods take calls", async () => {
  await world.run("status", { image, replicas: 2 }, 2);
  const { status } = await eventually("both pods are counted", async () => {
    const server = await world.kube.server("status");
    return server.status?.readyReplicas === 2 && server;
  });
  expect(status).toMatchObject({
    url: `http://status.${world.kube.namespace}.svc/mcp`,
    replicas: 2,
    selector: "anypod.dev/server=status,anypod.dev/pool=main",
    pools: [{ name: "main", replicas: 2, readyReplicas: 2 }],
  });
  await world.run("status", { image, replicas: 0 }, 0);
  await world.kube.condition("status", "Available", { status: "False", reason: "ScaledToZero" });
  expect((await world.kube.server("status")).status?.url).toBeUndefined();
});

test("without fixed replicas the autoscaler brings the minimum of pods", async () => {
  await world.run("autoscaled", { image, autoscaling: { minReplicas: 3 } }, 3);
  await world.kube.remove("McpServer", "autoscaled");
});

test("pods pass pod security `restricted` without a warning", () => {
  const manifest = {
    apiVersion: "anypod.dev/v1alpha1",
    kind: "McpServer",
    metadata: { name: "warned" },
    spec: { image },
  };
  const { servers } = parseFile("manifest", JSON.stringify(manifest), world.kube.namespace);
  const deployment = renderServers(servers)
    .split("---\n")
    .filter((document) => document.includes("kind: Deployment\n"));
  const namespace = world.kube.namespace;
  const kubectl = (...args: string[]) =>
    execFileSync(inject("kubectl"), ["--kubeconfig", inject("kubeconfig"), ...args], {
      input: deployment.join("---\n"),
      encoding: "utf8",
      stdio: ["pipe", "pipe", "pipe"],
    });
  kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/warn=restricted", "--overwrite");
  // A warning would be an error under this flag.
  expect(kubectl("apply", "--dry-run=server", "--warnings-as-errors", "-f", "-")).toMatch(/created/);
});

describe("conditions say why pods don't run", () => {
  const reason = (name: string, want: RegExp) =>
    eventually(
      `${name} is not Ready because of ${want}`,
      async () => {
        const { status } = await world.kube.server(name);
        const ready = status?.conditions?.find(({ type }) => type === "Ready");
        if (ready?.status === "False" && want.test(ready.reason)) return ready.message;
        throw new Error(JSON.stringify(ready));
      },
      90,
    );

  test("an image that isn't there; and once it is, the server runs", async () => {
    await world.kube.applyServer("image", {
      image: "localhost/no-such-image:1",
      imagePullPolicy: "Never",
      replicas: 1,
    });
    expect(await reason("image", /^ErrImageNeverPull$/)).toMatch(
      /Container server of pod image-.*imagePullPolicy is Never/,
    );
    await world.kube.applyServer("image", { image: "localhost/no-such-image:1", replicas: 1 });
    expect(await reason("image", /^(ErrImagePull|ImagePullBackOff)$/)).toMatch(
      /check spec.image and spec.imagePullSecrets/,
    );
    await world.run("image", { image, replicas: 1 }, 1);
  });

  test("a bad new image leaves the old pods answering", async () => {
    await world.run("kept", { image, replicas: 1 }, 1);
    await world.kube.applyServer("kept", { image: "localhost/no-such-image:1", imagePullPolicy: "Never", replicas: 1 });
    await reason("kept", /^ErrImageNeverPull$/);
    await world.kube.condition("kept", "Available", { status: "True" });
    expect(await answers("kept")).toEqual({ failed: 0, calls: 10 });
  });

  test("a server that ends at once", async () => {
    await world.kube.applyServer("crashing", {
      image,
      replicas: 1,
      command: ["/usr/bin/node", "-e", "process.exit(3)"],
    });
    expect(await reason("crashing", /^CrashLoopBackOff$/)).toMatch(/exit code 3.*logs --previous crashing-/);
    await world.kube.remove("McpServer", "crashing");
  });

  test("a request that no node can meet", async () => {
    await world.kube.applyServer("big", { image, replicas: 1, resources: { requests: { cpu: "1000" } } });
    expect(await reason("big", /^Unschedulable$/)).toMatch(/lower spec.resources.requests/);
    await world.kube.remove("McpServer", "big");
  });

  test("a Secret that isn't there, and the server runs when it is", async () => {
    const envFrom = [{ secretRef: { name: "login" } }];
    await world.kube.applyServer("secretless", { image, replicas: 1, envFrom });
    expect(await reason("secretless", /^SecretNotFound$/)).toMatch(/Secret login isn't in namespace/);
    await world.kube.client.json({
      method: "POST",
      path: `/api/v1/namespaces/${world.kube.namespace}/secrets`,
      body: { metadata: { name: "login" }, stringData: { LOGIN: "x" } },
    });
    await world.run("secretless", { image, replicas: 1, envFrom }, 1);
  });
});
