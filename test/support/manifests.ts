// McpServers as people write them, well or badly: the API server and `anypod validate` must agree about each.

const image = "registry.example.com/basket-mcp:1.4.0";

/** Specs that nobody takes, and what `kubectl apply` says to each. */
export const badSpecs: [what: string, spec: unknown, message: RegExp][] = [
  ["an unknown field", { image, imagee: "x" }, /unknown field "spec.imagee"/],
  ["an unknown field deep inside", { image, pools: [{ name: "a", tool: [] }] }, /unknown field "spec.pools\[0\].tool"/],
  ["no image", {}, /spec.image: Required value/],
  ["an image that is none", { image: "not an image" }, /must be a container image reference, such as registry/],
  [
    "more minimum than maximum",
    { image, autoscaling: { minReplicas: 5, maxReplicas: 2 } },
    /raise maxReplicas or lower minReplicas/,
  ],
  ["a minimum above the default maximum", { image, autoscaling: { minReplicas: 11 } }, /10 when not given/],
  [
    "replicas beside an autoscaler",
    { image, replicas: 2, autoscaling: {} },
    /drop replicas, or set autoscaling.enabled to false/,
  ],
  ["negative replicas", { image, replicas: -1 }, /spec.replicas/],
  ["two pools with one name", { image, pools: [{ name: "a" }, { name: "a" }] }, /spec.pools\[1\]: Duplicate value/],
  ["a pool named main", { image, pools: [{ name: "main" }] }, /name this one otherwise/],
  [
    "a template without containers",
    { image, template: { spec: { containers: [] } } },
    /the server's container can't be removed/,
  ],
  [
    "a template that takes over our labels",
    { image, template: { metadata: { labels: { "anypod.dev/pool": "x" } } } },
    /anypod's own/,
  ],
  [
    "a grace period that leaves nothing",
    { image, disruption: { gracePeriodSeconds: 5 } },
    /must be more than drainSeconds/,
  ],
  [
    "two budgets",
    { image, disruption: { minAvailable: 1, maxUnavailable: 1 } },
    /maxUnavailable or minAvailable, not both/,
  ],
  ["a rotation of days", { image, requestState: { rotateEvery: "1d" } }, /such as 720h or 1h30m/],
  ["a rotation of seconds", { image, requestState: { rotateEvery: "5s" } }, /a minute or more/],
  [
    "rotation of somebody's own keys",
    { image, requestState: { rotateEvery: "1h", secretRef: { name: "a" } } },
    /rotate the Secret of secretRef yourself/,
  ],
  ["a path without a slash", { image, path: "mcp" }, /begins with '\/'/],
  ["only the old protocol", { image, protocolVersions: ["2025-11-25"] }, /must hold 2026-07-28/],
  [
    "a variable with two sources",
    { image, env: [{ name: "A", value: "x", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] },
    /value or valueFrom, not both/,
  ],
  [
    "a store of tasks of no engine",
    { image, taskStore: {} },
    /taskStore must have exactly one of redis, postgresql, ref/,
  ],
  [
    "a store of tasks of both engines",
    { image, taskStore: { redis: { managed: {} }, postgresql: { managed: {} } } },
    /taskStore must have exactly one of redis, postgresql, ref/,
  ],
  [
    "an engine from nowhere",
    { image, taskStore: { redis: {} } },
    /redis must have exactly one of managed, url, replication/,
  ],
  [
    "an engine from two places",
    { image, taskStore: { postgresql: { managed: {}, url: { secretKeyRef: { name: "a", key: "b" } } } } },
    /postgresql must have exactly one of managed, url, cloudNativePg/,
  ],
  [
    "a version of an engine that is no tag",
    { image, taskStore: { redis: { managed: { version: "latest stable" } } } },
    /version must be a tag of the engine's image, such as 8/,
  ],
  [
    "an engine that isn't told how much memory it may take",
    { image, taskStore: { postgresql: { managed: { resources: { limits: { cpu: "1" } } } } } },
    /resources must have limits.memory: the engine is told to stay below it/,
  ],
  [
    "the same of another operator's Redis",
    { image, taskStore: { redis: { replication: { resources: {} } } } },
    /resources must have limits.memory/,
  ],
  [
    "a volume that isn't of a whole size",
    { image, taskStore: { redis: { managed: { storage: "1.5Gi" } } } },
    /storage must be a whole quantity of bytes, such as 500Mi or 10Gi/,
  ],
  [
    "a variable of no name for the store's URL",
    { image, taskStore: { ref: { name: "a" }, envName: "1-URL" } },
    /envName must be letters, digits and _/,
  ],
  [
    "a rotation of seconds of a store's password",
    { image, taskStore: { redis: { managed: { rotateEvery: "5s" } } } },
    /a minute or more/,
  ],
];

/** A manifest with lines of one's own. */
export const manifest = ({
  metadata = [],
  top = [],
  spec = [],
}: Partial<Record<"metadata" | "top" | "spec", string[]>>) =>
  [
    "apiVersion: anypod.dev/v1alpha1",
    "kind: McpServer",
    ...top,
    "metadata:",
    "  name: basket",
    ...metadata.map((line) => `  ${line}`),
    "spec:",
    `  image: ${image}`,
    ...spec.map((line) => `  ${line}`),
    "",
  ].join("\n");

const label = (entry: string) => ({ metadata: ["labels:", `  ${entry}`] });

/** Wrong beside the spec, or in how it is written. */
export const badManifests: [what: string, text: string][] = [
  ["an unknown field beside the spec", manifest({ top: ["specc: {}"] })],
  ["an unknown field of metadata", manifest({ metadata: ["label: {}"] })],
  ["a label's key with a blank", manifest(label("a b: c"))],
  ["a label's key with two slashes", manifest(label("a/b/c: d"))],
  ["a label's key with an empty domain", manifest(label("/b: c"))],
  ["a label's key with a domain in capitals", manifest(label("Example.com/b: c"))],
  ["a label's key that is too long", manifest(label(`${"a".repeat(64)}: c`))],
  ["a label's value with a slash", manifest(label("a: b/c"))],
  ["a label's value that is too long", manifest(label(`a: ${"b".repeat(64)}`))],
  ["a label that is a number", manifest(label("a: 1"))],
  ["a label that YAML takes for a boolean", manifest(label("a: yes"))],
  ["an annotation's key with a blank", manifest({ metadata: ["annotations:", "  a b: c"] })],
  ["an annotation that is a boolean", manifest({ metadata: ["annotations:", "  a: off"] })],
  ["annotations that are too long", manifest({ metadata: ["annotations:", `  a: ${"x".repeat(256 * 1024)}`] })],
  ["a variable that YAML takes for a boolean", manifest({ spec: ["env:", "- {name: A, value: no}"] })],
  ["a variable that is a number", manifest({ spec: ["env:", "- {name: A, value: 0777}"] })],
  ["a port in octal that is too big", manifest({ spec: ["port: 0277777"] })],
  ["a port that is text", manifest({ spec: ['port: "8080"'] })],
  ["what isn't YAML", `${manifest({})}  port: [`],
];

/** Right, though some of it looks odd. */
export const goodManifests: [what: string, text: string][] = [
  ["the smallest one", manifest({})],
  ["labels of all sorts", manifest({ metadata: ["labels:", "  a: ''", "  example.com/b_c.D: x.y_Z-1"] })],
  ["a label and an annotation that are null", manifest({ metadata: ["labels: {a: null}", "annotations: {a: }"] })],
  ["an annotation's key with a capital in its domain", manifest({ metadata: ["annotations:", "  Example.com/b: c"] })],
  ["a label whose value is a date", manifest(label("a: 2026-07-28"))],
  ["a version without quotes", manifest({ spec: ["protocolVersions: [2026-07-28]"] })],
  ["a boolean as YAML 1.1 has it", manifest({ spec: ["paused: yes"] })],
  ["a port in octal", manifest({ spec: ["port: 0777"] })],
  ["a port with an underscore", manifest({ spec: ["port: 8_080"] })],
  ["a variable that looks like a time", manifest({ spec: ["env:", "- {name: A, value: 12:30}"] })],
  ["an alias", manifest({ spec: ["command: &c [a]", "args: *c"] })],
  [
    "what kubectl get -o yaml adds",
    manifest({ metadata: ["creationTimestamp: null"], top: ["status: {replicas: 2}"] }),
  ],
];
