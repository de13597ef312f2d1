// What holds for the objects of every server that the schema accepts.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { McpServer, SpecInput } from "../../operator/api/mcpserver.ts";
import { officialImages } from "../../operator/desired/images.ts";
import { desired, type World } from "../../operator/desired/index.ts";
import { roleSelector } from "../../operator/desired/labels.ts";
import { desiredHashAnnotation, hashOf, type KubeObject } from "../../operator/desired/object.ts";
import { poolsOf } from "../../operator/desired/pool.ts";
import { referencesOf } from "../../operator/desired/references.ts";
import { ringOf } from "../../operator/desired/ring.ts";
import { serviceUrl } from "../../operator/desired/service.ts";
import { affinities } from "../support/affinity.ts";
import { mcpServer, serverOf, specInput } from "../support/arbitraries.ts";
import { type PodSpec, restrictedProblems } from "../support/restricted.ts";

const key = (fill: number) => Buffer.alloc(32, fill).toString("base64");
const world: World = {
  ring: ringOf([key(1), key(2)], "steady", "2026-01-01T00:00:00.000Z"),
  configHash: "0123456789abcdef",
  deployments: new Set(),
};
const image = "registry.example.com/basket-mcp:1.4.0";
const basket = (spec: Partial<SpecInput> = {}, uid?: string) => serverOf("basket", { image, ...spec }, uid);

// biome-ignore lint/suspicious/noExplicitAny: looks into objects of every kind
type Any = any;
const ofKind = (objects: KubeObject[], kind: string): Any[] => objects.filter((object) => object.kind === kind);
const one = (server: McpServer, kind: string): Any => ofKind(desired(server, world), kind)[0];
const podSpec = (server: McpServer): Any => one(server, "Deployment").spec.template.spec;
const serverContainer = (server: McpServer): Any =>
  podSpec(server).containers.find(({ name }: Any) => name === "server");

/** The server without all of its templates. */
const withoutTemplates = (server: McpServer): McpServer => {
  const plain = <T extends { template?: unknown }>({ template: _, ...rest }: T) => rest;
  const { pools, canary, legacy, ...spec } = plain(server.spec);
  const own = {
    ...(pools && { pools: pools.map(plain) }),
    ...(canary && { canary: plain(canary) }),
    ...(legacy && { legacy: plain(legacy) }),
  };
  return { ...server, spec: { ...spec, ...own } };
};
const everyServer = (check: (server: McpServer, objects: KubeObject[]) => void) =>
  fc.assert(
    fc.property(mcpServer, (server) => {
      check(server, desired(server, world));
    }),
  );

describe("the objects of any server", () => {
  test("bind no caller to a pod", () => {
    everyServer((server) =>
      expect(desired(withoutTemplates(server), world).flatMap((object) => affinities(object))).toEqual([]),
    );
  });

  test("have no affinity setting outside of the pods whose template the user changed", () => {
    everyServer((_, objects) => {
      const found = objects
        .flatMap((object) => affinities(object))
        .filter((path) => !path.startsWith(".spec.template.spec.affinity"));
      // An env variable's or annotation's value is the user's own text.
      expect(found.filter((path) => !/\.(value|annotations\..*)(: |$)/.test(path))).toEqual([]);
    });
  });

  test("have distinct names within a kind", () => {
    everyServer((_, objects) => {
      const keys = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      expect(new Set(keys).size).toBe(keys.length);
    });
  });

  test("have names and labels of at most 63 characters", () => {
    everyServer((_, objects) => {
      const texts = objects.flatMap(({ metadata }) => [metadata.name, ...Object.values(metadata.labels)]);
      expect(texts.filter((text) => text.length > 63)).toEqual([]);
    });
  });

  test("are the same for the same input, byte for byte, and leave the input alone", () => {
    everyServer((server, objects) => {
      const before = structuredClone(server);
      expect(JSON.stringify(desired(structuredClone(server), world))).toBe(JSON.stringify(objects));
      expect(server).toEqual(before);
    });
  });

  test("need no clock and no random", () => {
    const refuse = () => {
      throw new Error("not pure");
    };
    const originals = { now: Date.now, random: Math.random };
    Object.assign(Date, { now: refuse });
    Object.assign(Math, { random: refuse });
    try {
      desired(basket({ pools: [{ name: "slow" }], network: {} }), world);
    } finally {
      Object.assign(Date, { now: originals.now });
      Object.assign(Math, { random: originals.random });
    }
  });

  test("hold no null and nothing undefined: both would be sent, or read as drift", () => {
    const holes = (value: unknown): boolean =>
      value === null || value === undefined || (typeof value === "object" && Object.values(value).some(holes));
    everyServer((_, objects) => expect(objects.filter(holes)).toEqual([]));
  });

  test("select exactly their own pool's pods, whatever templates say", () => {
    everyServer((server, objects) => {
      const pools = poolsOf(server);
      const deployments = ofKind(objects, "Deployment");
      const services = ofKind(objects, "Service");
      expect(deployments).toHaveLength(pools.length);
      for (const [index, { name, objectName }] of pools.entries()) {
        const selector = { "anypod.dev/server": server.metadata.name, "anypod.dev/pool": name };
        expect(deployments[index].metadata.name).toBe(objectName);
        expect(deployments[index].spec.selector).toEqual({ matchLabels: selector });
        expect(deployments[index].spec.template.metadata.labels).toMatchObject(selector);
        expect(services[index].spec.selector).toEqual(selector);
      }
    });
  });

  test("leave spec.replicas to the autoscaler where there is one", () => {
    everyServer((_, objects) => {
      const scaled = new Set(ofKind(objects, "HorizontalPodAutoscaler").map(({ spec }) => spec.scaleTargetRef.name));
      for (const { metadata, spec } of ofKind(objects, "Deployment")) {
        if (scaled.has(metadata.name)) expect(spec).not.toHaveProperty("replicas");
      }
    });
  });

  test("are counted by one autoscaler at most, which is KEDA's exactly where calls count", () => {
    const keda = { isInstalled: () => true, prometheusUrl: "http://prometheus:9090" };
    fc.assert(
      fc.property(mcpServer, (server) => {
        const objects = desired(server, { ...world, ...keda });
        const namesOf = (kind: string) => ofKind(objects, kind).map(({ metadata }) => metadata.name);
        const pools = poolsOf(server).filter(({ scaling }) => scaling.by === "autoscaler");
        expect([...namesOf("ScaledObject"), ...namesOf("HorizontalPodAutoscaler")].sort()).toEqual(
          pools.map(({ objectName }) => objectName).sort(),
        );
        for (const { spec } of ofKind(objects, "HorizontalPodAutoscaler"))
          expect(spec.metrics.map(({ external }: Any) => external?.metric.name)).not.toContain("mcp_calls_per_second");
        for (const { spec } of ofKind(objects, "ScaledObject"))
          expect(spec.triggers.map(({ type }: Any) => type)).toContain("prometheus");
      }),
    );
  });

  test("are some from the start, where KEDA counts them, which may be away", () => {
    const server = basket({ autoscaling: { minReplicas: 3, callsInFlight: 2 } });
    const replicas = (more: object) => ofKind(desired(server, { ...world, ...more }), "Deployment")[0].spec.replicas;
    const keda = { isInstalled: () => true, prometheusUrl: "http://prometheus:9090" };
    expect(replicas(keda)).toBe(3);
    expect(replicas({ ...keda, deployments: new Set(["basket"]) })).toBeUndefined();
    expect(replicas({})).toBeUndefined();
  });

  test("never set spec.replicas of a Deployment that is there, unless the spec does", () => {
    fc.assert(
      fc.property(mcpServer, (server) => {
        const pools = poolsOf(server);
        const deployments = new Set(pools.map(({ objectName }) => objectName));
        for (const [index, { spec }] of ofKind(desired(server, { ...world, deployments }), "Deployment").entries()) {
          const { scaling } = pools[index]!;
          expect(spec.replicas).toBe(scaling.by === "spec" ? scaling.replicas : undefined);
        }
      }),
    );
  });

  test("pass pod security restricted, when no template changes the pods", () => {
    everyServer((server) => {
      for (const { spec } of ofKind(desired(withoutTemplates(server), world), "Deployment"))
        expect(restrictedProblems(spec.template.spec as PodSpec)).toEqual([]);
    });
  });

  test("let the user's variables win", () => {
    everyServer((server) => {
      const { env } = serverContainer(withoutTemplates(server));
      for (const variable of server.spec.env ?? []) {
        expect(env.filter(({ name }: Any) => name === variable.name)).toEqual([variable]);
      }
    });
  });

  test("name every variable once, those of anypod among them", () => {
    everyServer((server) => {
      const names = serverContainer(withoutTemplates(server)).env.map(({ name }: Any) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(
        expect.arrayContaining(["PORT", "MCP_PATH", "MCP_REQUEST_STATE_KEY", "MCP_REQUEST_STATE_KEYS"]),
      );
    });
  });

  test("drain before they stop, and have time left for calls in flight", () => {
    everyServer((server) => {
      const plain = withoutTemplates(server);
      const { drainSeconds, gracePeriodSeconds } = server.spec.disruption;
      expect(serverContainer(plain).lifecycle.preStop).toEqual({ sleep: { seconds: drainSeconds } });
      expect(podSpec(plain).terminationGracePeriodSeconds).toBe(gracePeriodSeconds);
      expect(gracePeriodSeconds).toBeGreaterThan(drainSeconds);
    });
  });

  test("never go below the pods that there are in a rollout", () => {
    everyServer((_, objects) => {
      for (const { spec } of ofKind(objects, "Deployment")) expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
    });
  });

  test("have a budget exactly where there may be more than one pod", () => {
    everyServer((server, objects) => {
      const most = (pool: ReturnType<typeof poolsOf>[number]) =>
        pool.scaling.by === "autoscaler"
          ? pool.scaling.autoscaling.maxReplicas
          : pool.scaling.by === "spec"
            ? pool.scaling.replicas
            : 2;
      const expected = poolsOf(server)
        .filter((pool) => most(pool) > 1)
        .map(({ objectName }) => objectName);
      expect(ofKind(objects, "PodDisruptionBudget").map(({ metadata }) => metadata.name)).toEqual(expected);
    });
  });

  test("stand in an order in which pods find what they need", () => {
    everyServer((_, objects) => {
      const kinds = objects.map(({ kind }) => kind);
      const first = kinds.indexOf("Deployment");
      for (const kind of ["ServiceAccount", "Secret", "NetworkPolicy"])
        expect(kinds.lastIndexOf(kind)).toBeLessThan(first);
    });
  });
});

describe("the stores of any server", () => {
  const pods = (objects: KubeObject[]): Any[] =>
    ["Deployment", "StatefulSet"].flatMap((kind) => ofKind(objects, kind)).map(({ spec }) => spec.template.spec);
  const withStore = mcpServer.filter(({ spec }) => spec.taskStore !== undefined && spec.taskStore.ref === undefined);
  /** Two rings, so that the keys of one are told from the other's. */
  const logins = ringOf([key(3), key(4)], "steady", "2026-01-01T00:00:00.000Z");
  const objectsOf = (server: McpServer) => {
    const { metadata, spec } = server;
    const owner = spec.taskStore && { metadata, taskStore: spec.taskStore };
    return desired(server, { ...world, store: { owner, logins, images: officialImages } });
  };
  const everyStore = (check: (server: McpServer, objects: KubeObject[]) => void) =>
    fc.assert(fc.property(withStore, (server) => check(server, objectsOf(server))));
  const isOfRole = ({ metadata }: KubeObject) => metadata.labels["anypod.dev/role"] !== undefined;

  test("have names of at most 40 characters that are nobody else's, but for Secrets; and their kinds leave room", () => {
    everyStore((_, objects) => {
      const keys = objects.map(({ kind, metadata }) => `${kind}/${metadata.name}`);
      expect(new Set(keys).size).toBe(keys.length);
      const ours = objects.filter(isOfRole);
      for (const { kind, metadata } of ours)
        expect(metadata.name.length).toBeLessThanOrEqual(kind === "Secret" ? 63 : 40);
      // A pod has a label of the StatefulSet's name, '-' and ten characters.
      for (const { metadata } of ofKind(objects, "StatefulSet")) expect(metadata.name.length).toBeLessThanOrEqual(52);
    });
  });

  test("have no password outside of the Secret's data", () => {
    const keys = [key(3), key(4)];
    const secret = keys.flatMap((each) => [each, Buffer.from(each, "base64").toString("base64url"), btoa(each)]);
    everyStore((_, objects) => {
      const shown = objects.map((object) => (object.kind === "Secret" ? { ...object, data: undefined } : object));
      for (const text of secret) expect(JSON.stringify(shown)).not.toContain(text);
    });
  });

  const selects = (selector: Record<string, string>, labels: Record<string, string>) =>
    Object.entries(selector).every(([name, value]) => labels[name] === value);

  test("never have pods that a pool takes for its own, nor the other way round", () => {
    everyStore((_, objects) => {
      const [sets, deployments] = [ofKind(objects, "StatefulSet"), ofKind(objects, "Deployment")];
      const pairs = sets.flatMap((set) => deployments.map((deployment) => [set.spec, deployment.spec]));
      for (const [set, pool] of pairs) {
        expect(selects(set.selector.matchLabels, set.template.metadata.labels)).toBe(true);
        expect(selects(pool.selector.matchLabels, set.template.metadata.labels)).toBe(false);
        expect(selects(set.selector.matchLabels, pool.template.metadata.labels)).toBe(false);
      }
    });
  });

  // Other operators hand labels on to their pods.
  test("of other operators have no labels that a managed store's Service selects by", () => {
    const theirs = ["Cluster", "RedisReplication", "RedisSentinel"];
    everyStore(({ metadata }, objects) => {
      for (const { metadata: made } of theirs.flatMap((kind) => ofKind(objects, kind)))
        for (const engine of ["redis", "postgresql"])
          expect(selects(roleSelector(metadata.name, engine), made.labels)).toBe(false);
    });
  });

  test("let in the pods that use them, and no others", () => {
    everyStore((server, objects) => {
      const uses = { "anypod.dev/uses-task-store": server.metadata.name };
      for (const { spec } of ofKind(objects, "Deployment")) expect(spec.template.metadata.labels).toMatchObject(uses);
      for (const policy of ofKind(objects, "NetworkPolicy").filter(isOfRole))
        expect(policy.spec).toMatchObject({
          policyTypes: ["Ingress", "Egress"],
          ingress: [{ from: [{ podSelector: { matchLabels: uses } }] }],
        });
    });
  });

  test("pass pod security restricted", () => {
    everyStore((server) => {
      for (const spec of pods(objectsOf(withoutTemplates(server))))
        expect(restrictedProblems(spec as PodSpec)).toEqual([]);
    });
  });

  test("tell pods of themselves by variables that are named once, the user's own first of all", () => {
    everyStore((server) => {
      const { env } = ofKind(objectsOf(withoutTemplates(server)), "Deployment")[0].spec.template.spec.containers[0];
      const names = env.map(({ name }: Any) => name);
      expect(new Set(names).size).toBe(names.length);
      expect(names).toEqual(expect.arrayContaining([server.spec.taskStore?.envName, "MCP_TASK_STORE_PREFIX"]));
    });
  });

  test("stand in an order in which the store's pods find their Secret", () => {
    everyStore((_, objects) => {
      const list = objects.map(({ kind }) => kind);
      for (const kind of ["StatefulSet", "RedisReplication", "RedisSentinel"]) {
        if (list.includes(kind)) expect(list.lastIndexOf("Secret")).toBeLessThan(list.indexOf(kind));
      }
    });
  });
});

describe("the desired hash", () => {
  const hash = (object: KubeObject | undefined) => object?.metadata.annotations?.[desiredHashAnnotation];
  const withoutHash = ({ metadata, ...rest }: KubeObject) => {
    const { [desiredHashAnnotation]: _, ...annotations } = metadata.annotations ?? {};
    return { ...rest, metadata: { ...metadata, annotations } };
  };

  test("differs exactly when the objects differ", () => {
    fc.assert(
      fc.property(specInput, specInput, (a, b) => {
        const [left, right] = [a, b].map((spec) => desired(serverOf("basket", spec), world));
        for (const object of left ?? []) {
          const other = right?.find(
            ({ kind, metadata }) => kind === object.kind && metadata.name === object.metadata.name,
          );
          // Empty annotations of an account read like none once the hash is among them.
          if (!other || object.kind === "ServiceAccount") continue;
          const same = JSON.stringify(withoutHash(object)) === JSON.stringify(withoutHash(other));
          expect(hash(object) === hash(other)).toBe(same);
        }
      }),
    );
  });

  test("of a Secret gives nothing away of its keys, but follows the ring's own hash", () => {
    const secretWith = (ring: World["ring"]) => ofKind(desired(basket(), { ...world, ring }), "Secret")[0];
    const { keys: _, ...withoutKeys } = world.ring;
    expect(hash(secretWith(withoutKeys))).toBe(hash(secretWith(world.ring)));
    expect(hash(secretWith({ ...world.ring, hash: "other" }))).not.toBe(hash(secretWith(world.ring)));
  });

  test("is the same with and without an owner, so that render prints what is applied", () => {
    const owned = desired(basket({}, "uid-1"), world);
    expect(owned.map(hash)).toEqual(desired(basket(), world).map(hash));
  });

  test("changes when the value of one field does", () => {
    expect(hashOf({ a: 1 })).not.toBe(hashOf({ a: 2 }));
    expect(hashOf({ a: 1 })).toBe(hashOf({ a: 1 }));
  });
});

describe("owners", () => {
  test("are set on every object, as controllers, once the server has a uid", () => {
    for (const { metadata } of desired(basket({ network: {}, pools: [{ name: "slow" }] }, "uid-1"), world)) {
      const owner = { apiVersion: "anypod.dev/v1alpha1", kind: "McpServer", name: "basket", uid: "uid-1" };
      expect(metadata.ownerReferences).toEqual([{ ...owner, controller: true, blockOwnerDeletion: true }]);
    }
  });
});

describe("defaults", () => {
  test.each<[string, Partial<SpecInput>]>([
    ["autoscaling", { autoscaling: {} }],
    ["autoscaling, switched on", { autoscaling: { enabled: true } }],
    ["disruption", { disruption: {} }],
    ["requestState", { requestState: {} }],
    ["serviceAccount", { serviceAccount: {} }],
    ["template", { template: {} }],
    ["pools", { pools: [] }],
    ["port and path", { port: 8080, path: "/mcp", protocolVersions: ["2026-07-28"], paused: false }],
  ])("of %s are the same whether it is empty or not there", (_, spec) => {
    expect(desired(basket(spec), world)).toEqual(desired(basket(), world));
  });

  test("of a pool's autoscaling are those of the server's", () => {
    expect(
      ofKind(
        desired(basket({ replicas: 1, pools: [{ name: "p", autoscaling: {} }] }), world),
        "HorizontalPodAutoscaler",
      )[0].spec,
    ).toMatchObject({
      minReplicas: 2,
      maxReplicas: 10,
      metrics: [{ resource: { name: "cpu", target: { averageUtilization: 70 } } }],
    });
  });
});

describe("references", () => {
  const references = (spec: Partial<SpecInput>) =>
    referencesOf(basket({ requestState: { secretRef: { name: "ring" } }, ...spec })).map(
      ({ kind, name, optional, use }) => [kind, name, use, ...(optional ? ["optional"] : [])].join(" "),
    );
  const ring = ["Secret ring environment", "Secret ring environment optional"];

  test("are what pods read of Secrets and ConfigMaps, each once", () => {
    expect(
      references({
        imagePullSecrets: [{ name: "registry" }],
        env: [
          { name: "A", valueFrom: { secretKeyRef: { name: "s", key: "a" } } },
          { name: "B", valueFrom: { secretKeyRef: { name: "s", key: "b" } } },
          { name: "C", valueFrom: { configMapKeyRef: { name: "c", key: "c", optional: true } } },
          { name: "D", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        ],
        envFrom: [{ secretRef: { name: "more" } }, { configMapRef: { name: "more", optional: true } }],
      }),
    ).toEqual([
      "ConfigMap c environment optional",
      "ConfigMap more environment optional",
      "Secret more environment",
      "Secret registry imagePull",
      ...ring,
      "Secret s environment",
    ]);
  });

  test("include those of templates, of every pool", () => {
    const envFrom = (name: string) => ({
      spec: { containers: [{ name: "server", envFrom: [{ secretRef: { name } }] }] },
    });
    expect(references({ template: envFrom("all"), pools: [{ name: "p", template: envFrom("pool") }] })).toEqual([
      "Secret all environment",
      "Secret pool environment",
      ...ring,
    ]);
  });

  test("leave out what a template took away", () => {
    const template = {
      spec: { containers: [{ name: "server", env: [{ name: "MCP_REQUEST_STATE_KEY", value: "x" }] }] },
    };
    expect(references({ template })).toEqual(["Secret ring environment optional"]);
  });
});

describe("a template that makes no sense", () => {
  /** Whatever a user may write below `template`, which the schema leaves open. */
  const nonsense = fc.jsonValue({ maxDepth: 2 }).filter((value) => value !== null);
  const fields = fc.constantFrom(
    "env",
    "envFrom",
    "volumeMounts",
    "ports",
    "resources",
    "lifecycle",
    "securityContext",
  );
  const podFields = fc.constantFrom(
    "volumes",
    "initContainers",
    "imagePullSecrets",
    "topologySpreadConstraints",
    "securityContext",
  );

  test("is passed on for the API server to refuse: one bad server must not stop the others", () => {
    fc.assert(
      fc.property(fc.dictionary(fields, nonsense), fc.dictionary(podFields, nonsense), (container, pod) => {
        const template = { spec: { ...pod, containers: [{ name: "server", ...container }] } };
        const server = basket({ template, envFrom: [{ secretRef: { name: "s" } }], imagePullSecrets: [{ name: "r" }] });
        expect(() => [desired(server, world), referencesOf(server)]).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});

describe("the server's address", () => {
  test("is that of the main pool's Service, with the path", () => {
    const server = basket({ path: "/v1/mcp" });
    expect(serviceUrl(server, poolsOf(server)[0]!)).toBe("http://basket.shop.svc/v1/mcp");
  });
});
