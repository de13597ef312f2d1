// KEDA, by the manifests of its Go module: its definitions alone, or all of it, as its users have it.
import { join } from "node:path";
import { dump, loadAll } from "js-yaml";
import { moduleSources } from "../go-modules.ts";
import type { Cluster } from "../index.ts";
import { output } from "./commands.ts";
import { applyDefinitions, applyManifest, kubectl, rolledOut, type Target, waitFor } from "./kubectl.ts";
import { type InstallOptions, loadProgram } from "./programs.ts";

const namespace = "keda";
const sources = () => moduleSources("keda", "github.com/kedacore/keda/v2");
const definitions = async () => join(await sources(), "config/crd/bases");

/** By the images of its manifests, the programs that are built here. */
const programs: Record<string, string> = {
  "ghcr.io/kedacore/keda": "keda-operator",
  "ghcr.io/kedacore/keda-metrics-apiserver": "keda-adapter",
  "ghcr.io/kedacore/keda-admission-webhooks": "keda-webhooks",
};

interface Manifest {
  kind: string;
  metadata: { name: string };
  spec?: { template?: { spec: { containers: Container[] } } };
}
interface Container {
  image: string;
  command?: string[];
  imagePullPolicy: string;
  readinessProbe: object;
  resources: object;
}

/** Installs what defines its kinds, and returns when they are served. A running operator may see them come. */
export async function installKedaDefinitions(cluster: Target): Promise<void> {
  await applyDefinitions(cluster, [await definitions()]);
}

/** Takes them away, with all objects of their kinds. */
export async function removeKedaDefinitions(cluster: Target): Promise<void> {
  await kubectl(cluster, ["delete", "--ignore-not-found", "-f", await definitions()]);
}

/** What its kustomization for everybody comes to, without the definitions. */
async function manifests(cluster: Target): Promise<Manifest[]> {
  // Its own path reads as the address of a repository.
  const text = await output(cluster.kubectl, ["kustomize", "default"], { cwd: join(await sources(), "config") });
  return (loadAll(text) as Manifest[]).filter(({ kind }) => kind !== "CustomResourceDefinition");
}

/** With images of here, whose program is their entry point, and less patience than on a large cluster. */
function adapted(object: Manifest, images: Map<string, string>): Manifest {
  for (const container of object.spec?.template?.spec.containers ?? []) {
    const [name = ""] = container.image.split(":");
    container.image = images.get(name) ?? container.image;
    container.imagePullPolicy = "IfNotPresent";
    delete container.command;
    container.readinessProbe = { ...container.readinessProbe, initialDelaySeconds: 0, periodSeconds: 1 };
    container.resources = { requests: { cpu: "20m", memory: "64Mi" } };
  }
  return object;
}

/** Installs KEDA, and returns when it serves metrics and checks ScaledObjects. */
export async function installKeda(cluster: Cluster, options: InstallOptions = {}): Promise<void> {
  const images = new Map<string, string>();
  for (const [image, program] of Object.entries(programs))
    images.set(image, await loadProgram(cluster, program, options));
  await installKedaDefinitions(cluster);
  const objects = await manifests(cluster);
  await applyManifest(cluster, objects.map((object) => dump(adapted(object, images))).join("---\n"));
  for (const deployment of ["keda-operator", "keda-metrics-apiserver", "keda-admission"])
    await rolledOut(cluster, namespace, deployment);
  await waitFor(cluster, "condition=Available", "apiservice/v1beta1.external.metrics.k8s.io");
}

/** Takes it all away: while it still runs, what it has a finalizer on. */
export async function removeKeda(cluster: Target): Promise<void> {
  await removeKedaDefinitions(cluster);
  const objects = await manifests(cluster);
  await kubectl(
    cluster,
    ["delete", "--ignore-not-found", "-f", "-"],
    objects.map((object) => dump(object)).join("---\n"),
  );
}
