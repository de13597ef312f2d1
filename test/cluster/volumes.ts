// The node's volumes: makes one for each claim, and removes it when its claim is gone and its class says so. Kubernetes' own
// host-path provisioner makes folders that only root may use. These are "local" volumes, which a pod's fsGroup is applied to,
// as it is to a cloud's disks.
import { execFile } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import type { ApiClient } from "./api-client.ts";
import { messageOf } from "./wait.ts";

const run = promisify(execFile);

const provisioner = "anypod.dev/local";
const volumesPath = "/api/v1/persistentvolumes";
const lookEvery = 250;

/** The class of claims that name none. */
const standardClass = "standard";
/** Its volumes are disks of their own, really as small as their claims say: for tests of full disks. In memory. */
export const smallDiskClass = "small-disk";

export interface VolumeOptions {
  /** Where volumes are; it is removed with the node. */
  dir: string;
  node: string;
  log: (line: string) => void;
  signal: AbortSignal;
}

interface Claim {
  metadata: { uid: string; name: string; namespace: string; annotations?: Record<string, string> };
  spec: Record<string, unknown> & {
    storageClassName?: string;
    volumeName?: string;
    resources: { requests: { storage: string } };
  };
}

interface Volume {
  metadata: { name: string; annotations?: Record<string, string> };
  spec: { persistentVolumeReclaimPolicy: string };
  status?: { phase?: string };
}

interface Class {
  metadata: { name: string };
  provisioner: string;
  reclaimPolicy: string;
  parameters?: Record<string, string>;
}

/** Makes the classes, and serves their claims until `signal`. Returns when the classes are there. */
export async function provideVolumes(client: ApiClient, options: VolumeOptions): Promise<void> {
  const isDefault = { "storageclass.kubernetes.io/is-default-class": "true" };
  const disk = { parameters: { ownDisk: "true" } };
  await makeClass(client, { metadata: { name: standardClass, annotations: isDefault } });
  await makeClass(client, { metadata: { name: smallDiskClass }, ...disk });
  void serve(client, options);
}

function makeClass(client: ApiClient, facts: object): Promise<unknown> {
  const rules = { reclaimPolicy: "Delete", volumeBindingMode: "WaitForFirstConsumer" };
  const body = { apiVersion: "storage.k8s.io/v1", kind: "StorageClass", provisioner, ...rules, ...facts };
  return client.send("POST", "/apis/storage.k8s.io/v1/storageclasses", body);
}

async function serve(client: ApiClient, options: VolumeOptions): Promise<void> {
  let said = "";
  while (!options.signal.aborted) {
    try {
      await provide(client, options);
      await remove(client, options);
    } catch (error) {
      // The API server may be busy: the next look does what is left. Each error is told once.
      if (messageOf(error) !== said) options.log(`volumes: ${messageOf(error)}`);
      said = messageOf(error);
    }
    await sleep(lookEvery);
  }
}

async function list<T>(client: ApiClient, path: string): Promise<T[]> {
  // From the API server's cache, as these are asked for all the time.
  return ((await client.get(`${path}?resourceVersion=0`)) as { items: T[] }).items;
}

async function provide(client: ApiClient, options: VolumeOptions): Promise<void> {
  const waiting = (await list<Claim>(client, "/api/v1/persistentvolumeclaims")).filter(
    ({ metadata, spec }) => !spec.volumeName && metadata.annotations?.["volume.kubernetes.io/selected-node"],
  );
  if (waiting.length === 0) return;
  const classes = await list<Class>(client, "/apis/storage.k8s.io/v1/storageclasses");
  for (const claim of waiting) {
    const found = classes.find(({ metadata }) => metadata.name === claim.spec.storageClassName);
    if (found?.provisioner === provisioner) await makeVolume(client, { ...options, claim, storageClass: found });
  }
}

async function makeVolume(
  client: ApiClient,
  { dir, node, claim, storageClass }: VolumeOptions & { claim: Claim; storageClass: Class },
): Promise<void> {
  const { uid, namespace, name: claimName } = claim.metadata;
  const name = `pvc-${uid}`;
  const path = join(dir, name);
  const size = claim.spec.resources.requests.storage;
  if (!existsSync(path)) await makeFolder(path, storageClass.parameters?.ownDisk ? diskSize(size) : undefined);
  const here = { key: "kubernetes.io/hostname", operator: "In", values: [node] };
  await client.send("POST", volumesPath, {
    apiVersion: "v1",
    kind: "PersistentVolume",
    metadata: { name, annotations: { "pv.kubernetes.io/provisioned-by": provisioner } },
    spec: {
      local: { path },
      capacity: { storage: size },
      accessModes: claim.spec.accessModes,
      storageClassName: storageClass.metadata.name,
      persistentVolumeReclaimPolicy: storageClass.reclaimPolicy,
      claimRef: { apiVersion: "v1", kind: "PersistentVolumeClaim", uid, namespace, name: claimName },
      nodeAffinity: { required: { nodeSelectorTerms: [{ matchExpressions: [here] }] } },
    },
  });
}

/** @param disk mount options; when left out, the folder is on the disk of all the others */
async function makeFolder(path: string, disk: string | undefined): Promise<void> {
  mkdirSync(path, { recursive: true });
  if (disk === undefined) return;
  await run("mount", ["-t", "tmpfs", "-o", disk, "disk", path]).catch((error: Error) => {
    rmSync(path, { recursive: true });
    throw error;
  });
}

/** "8Mi" is 8m for mount. */
function diskSize(quantity: string): string {
  const size = /^(\d+)(Mi|Gi)$/.exec(quantity);
  if (!size) throw new Error(`a claim of the class ${smallDiskClass} asks for whole Mi or Gi, not ${quantity}`);
  return `mode=755,size=${size[1]}${size[2] === "Mi" ? "m" : "g"}`;
}

async function remove(client: ApiClient, { dir }: VolumeOptions): Promise<void> {
  const isOurs = ({ metadata }: Volume) => metadata.annotations?.["pv.kubernetes.io/provisioned-by"] === provisioner;
  for (const volume of (await list<Volume>(client, volumesPath)).filter(isOurs)) {
    if (volume.status?.phase !== "Released" || volume.spec.persistentVolumeReclaimPolicy !== "Delete") continue;
    const path = join(dir, volume.metadata.name);
    // Only the class with own disks has something to unmount.
    await run("umount", [path]).catch(() => undefined);
    rmSync(path, { recursive: true, force: true });
    await client.send("DELETE", `${volumesPath}/${volume.metadata.name}`);
  }
}
