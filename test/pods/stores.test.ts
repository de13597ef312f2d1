// What managed task stores stand on: the images of Redis and PostgreSQL under pod security `restricted`, and volumes.
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { chooseProvider } from "../cluster/providers.ts";
import { smallDiskClass } from "../cluster/volumes.ts";
import { type AnyObject, type TestKube, testKube } from "../support/kube.ts";
import { postgres, redis } from "../support/store-images.ts";
import { eventually } from "../support/wait.ts";
import { type Kubectl, kubectlIn } from "./kubectl.ts";

const { provider } = await chooseProvider("pods");
const restricted = { "pod-security.kubernetes.io/enforce": "restricted" };

let kube: TestKube;
let kubectl: Kubectl;
beforeAll(async () => {
  kube = await testKube(inject("kubeconfig"), restricted);
  kubectl = kubectlIn(kube.namespace);
});
afterAll(async () => {
  await kube.client.json({ method: "DELETE", path: `/api/v1/namespaces/${kube.namespace}` });
  await kube.client.close();
});

const exec = (pod: string, ...command: string[]) => kubectl("exec", pod, "--", ...command);
const create = (plural: string, body: object) =>
  kube.client.json({ method: "POST", path: `/api/v1/namespaces/${kube.namespace}/${plural}`, body });

async function claim(name: string, more: object = {}): Promise<void> {
  const resources = { requests: { storage: "8Mi" } };
  await create("persistentvolumeclaims", {
    metadata: { name },
    spec: { accessModes: ["ReadWriteOnce"], resources, ...more },
  });
}

async function volumeOf(name: string): Promise<string> {
  return await kubectl("get", "pvc", name, "-o", "jsonpath={.spec.volumeName}");
}

interface StorePod {
  image: string;
  command: string[];
  probe: string[];
}

/** Runs a store as user 999 with the claim of its name at /data, and returns when its probe passes. */
async function runPod(name: string, { image, command, probe }: StorePod): Promise<void> {
  await create("pods", {
    metadata: { name },
    spec: {
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 999,
        runAsGroup: 999,
        fsGroup: 999,
        seccompProfile: { type: "RuntimeDefault" },
      },
      terminationGracePeriodSeconds: 10,
      automountServiceAccountToken: false,
      containers: [
        {
          name: "store",
          image,
          imagePullPolicy: "IfNotPresent",
          command,
          readinessProbe: { exec: { command: probe }, periodSeconds: 1 },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          },
          volumeMounts: [
            { name: "data", mountPath: "/data" },
            { name: "tmp", mountPath: "/tmp" },
          ],
        },
      ],
      volumes: [
        { name: "data", persistentVolumeClaim: { claimName: name } },
        { name: "tmp", emptyDir: {} },
      ],
    },
  });
  await kubectl("wait", `pod/${name}`, "--for=condition=Ready", "--timeout=60s").catch(async (error: Error) => {
    const told = ["logs", "describe"].map((verb) => kubectl(verb, `pod/${name}`).catch(String));
    throw new Error(`${error.message}\n${(await Promise.all(told)).join("\n")}`);
  });
}

const redisPod: StorePod = {
  image: redis,
  command: ["redis-server", "--dir", "/data", "--appendonly", "yes"],
  probe: ["redis-cli", "ping"],
};

const initdb = "initdb -D /data/pg --username=postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8";
const postgresPod: StorePod = {
  image: postgres,
  // At each mount, fsGroup lets the group write everything; PostgreSQL refuses a data folder like that.
  command: [
    "sh",
    "-c",
    `test -s /data/pg/PG_VERSION || ${initdb}; chmod 700 /data/pg; exec postgres -D /data/pg -k /tmp`,
  ],
  probe: ["pg_isready", "-h", "/tmp", "-U", "postgres"],
};
const psql = (pod: string, sql: string) => exec(pod, "psql", "-h", "/tmp", "-U", "postgres", "-At", "-c", sql);

describe.concurrent("a store keeps its data over a pod's deletion", () => {
  test("Redis", async () => {
    await claim("redis");
    await runPod("redis", redisPod);
    expect(await exec("redis", "redis-cli", "set", "a", "kept")).toBe("OK");
    await kubectl("delete", "pod", "redis");
    await runPod("redis", redisPod);
    expect(await exec("redis", "redis-cli", "get", "a")).toBe("kept");
    expect(await exec("redis", "sh", "-c", "touch /x || id -u")).toBe("999");
  });

  test("PostgreSQL", async () => {
    await claim("postgres", { resources: { requests: { storage: "200Mi" } } });
    await runPod("postgres", postgresPod);
    await psql("postgres", "create table t as select 'käpt' as a");
    await kubectl("delete", "pod", "postgres");
    await runPod("postgres", postgresPod);
    expect(await psql("postgres", "select upper(a) from t")).toBe("KÄPT");
    const dump = "pg_dump -h /tmp -U postgres -Fc postgres > /tmp/d && pg_restore -l /tmp/d";
    expect(await exec("postgres", "sh", "-c", dump)).toContain("TABLE DATA public t");
  });
});

test("a volume goes with its claim, and stays when its class says Retain", async () => {
  const [standard] = (
    await kube.client.json<{ items: AnyObject[] }>({ path: "/apis/storage.k8s.io/v1/storageclasses" })
  ).items.filter(({ metadata }) => metadata.annotations?.["storageclass.kubernetes.io/is-default-class"] === "true");
  const path = "/apis/storage.k8s.io/v1/storageclasses";
  const name = `retain-${kube.namespace}`;
  const { metadata: _, ...rules } = standard!;
  await kube.client.json({ method: "POST", path, body: { ...rules, metadata: { name }, reclaimPolicy: "Retain" } });
  await claim("deleted");
  await claim("retained", { storageClassName: name });
  await Promise.all([runPod("deleted", redisPod), runPod("retained", redisPod)]);
  const [deleted, retained] = await Promise.all([volumeOf("deleted"), volumeOf("retained")]);
  await kubectl("delete", "pod,pvc", "deleted", "retained", "--now");
  const phase = (volume: string) =>
    kubectl("get", "pv", volume, "--ignore-not-found", "-o", "jsonpath={.status.phase}");
  await eventually("the volume is gone", async () => (await phase(deleted)) === "");
  expect(await phase(retained)).toBe("Released");
  await kubectl("delete", `pv/${retained}`, `storageclass/${name}`);
});

describe.runIf(provider === "node")("a small disk", () => {
  test("is full when it is", async () => {
    await claim("small", { storageClassName: smallDiskClass });
    await runPod("small", redisPod);
    const fill = "dd if=/dev/zero of=/data/filling bs=1M count=9";
    await expect(exec("small", "sh", "-c", fill)).rejects.toThrow("No space left on device");
    await exec("small", "rm", "/data/filling");
    expect(await exec("small", "redis-cli", "set", "a", "b")).toBe("OK");
  });
});
