// The provider for machines with a Docker daemon: K3s in a container, through testcontainers.
import { randomUUID } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { K3sContainer } from "@testcontainers/k3s";
import { findKubectl } from "./existing.ts";
import type { StartContext } from "./processes.ts";
import type { Provider } from "./providers.ts";

const image = process.env.ANYPOD_K3S_IMAGE ?? "rancher/k3s:v1.35.4-k3s1";

export async function startK3s(context: StartContext): Promise<Provider> {
  const kubectl = await findKubectl(context.log, context.signal);
  context.log(`starting ${image} (the first time, its image is pulled)`);
  const container = await new K3sContainer(image)
    .withCommand(["server", "--disable=traefik,servicelb,metrics-server"])
    .start();
  context.onEnd(() => container.stop().then(() => undefined));
  const kubeconfig = join(context.dir, "kubeconfig");
  writeFileSync(kubeconfig, container.getKubeConfig(), { mode: 0o600 });
  return {
    facts: { kubeconfig, kubectl },
    async loadImage(archive) {
      const target = `/tmp/${randomUUID()}.tar`;
      await container.copyFilesToContainer([{ source: archive, target }]);
      const { exitCode, output } = await container.exec(["ctr", "--namespace", "k8s.io", "images", "import", target]);
      await container.exec(["rm", target]);
      if (exitCode !== 0) throw new Error(`ctr images import: ${output}`);
    },
  };
}
