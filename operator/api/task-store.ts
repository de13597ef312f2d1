// Where a server's tasks are kept: an engine that anypod runs, one that is there already, one that another operator runs, or
// the store of another server.
import * as z from "zod";
import * as core from "./core.ts";
import { rotateEvery } from "./duration.ts";
import { exactlyOne, text, withRules, withTransitions } from "./rule.ts";

export type Engine = "redis" | "postgresql";

const secretKey = z.strictObject({
  name: core.objectName("name").describe("A Secret in the server's namespace."),
  key: z.string().min(1).max(253).describe("The key to take."),
});

const url = z.strictObject({
  secretKeyRef: secretKey.describe("The URL, with user and password."),
  caSecretKeyRef: secretKey
    .optional()
    .describe("The certificates, in PEM, that the store's own must come from; pods find them at `MCP_TASK_STORE_CA`."),
});

const size = text(
  "^[1-9][0-9]{0,17}(Ki|Mi|Gi|Ti|k|M|G|T)?$",
  "storage must be a whole quantity of bytes, such as 500Mi or 10Gi",
  20,
);
const defaultSize = "1Gi";
const storageClassName = core.objectName("storageClassName").optional();

const steps = "docs/task-stores.md has the steps";
/** A volume that is there has its size and class: to say another would change nothing, or take the data away. */
const volumeStays = [
  {
    cel: `(has(self.storage) ? self.storage : '${defaultSize}') == (has(oldSelf.storage) ? oldSelf.storage : '${defaultSize}')`,
    message: `the volume is there, with the tasks in it: its size can't be changed here (${steps})`,
    fieldPath: ".storage",
  },
  {
    cel: "has(self.storageClassName) == has(oldSelf.storageClassName) && (!has(self.storageClassName) || self.storageClassName == oldSelf.storageClassName)",
    message: `the volume is there, with the tasks in it: its class can't be changed here (${steps})`,
    fieldPath: ".storageClassName",
  },
];

const version = (example: string) =>
  text("^[0-9]+([.][0-9]+)*(-[a-z0-9.]+)?$", `version must be a tag of the engine's image, such as ${example}`, 63);

/** What runs when no release is named. It stays: another major one of PostgreSQL can't open the volumes that there are. */
const postgresqlVersion = "17";
const valkeyVersion = "8";

const hasLimit = core.memoryLimit("the engine is told to stay below it");

const engineResources = core.resources.default({
  requests: { cpu: "50m", memory: "128Mi" },
  limits: { memory: "256Mi" },
});

function managed(engine: Engine) {
  const retained = engine === "postgresql";
  const schema = z.strictObject({
    storage: size.default(defaultSize).describe("Size of the volume."),
    storageClassName: storageClassName.describe("Class of the volume; the cluster's default when not given."),
    version: version(engine === "redis" ? "8.1.4" : "17.6")
      .default(engine === "redis" ? valkeyVersion : postgresqlVersion)
      .describe("The engine's release, as a tag of its image."),
    resources: engineResources.describe("The engine's requests and limits."),
    retain: z.boolean().default(retained).describe("Whether the volume stays when the server is deleted."),
    rotateEvery: rotateEvery
      .optional()
      .describe("How often pods get a new password; the old one is good until the next. Never when not given."),
  });
  return withTransitions(withRules(schema, hasLimit), ...volumeStays);
}

const postgresqlMajor = {
  cel: `(has(self.version) ? self.version : '${postgresqlVersion}').split('.')[0].split('-')[0] == (has(oldSelf.version) ? oldSelf.version : '${postgresqlVersion}').split('.')[0].split('-')[0]`,
  message: `PostgreSQL can't open the data of another major version: keep the version's first number (${steps})`,
  fieldPath: ".version",
};

/** Three, so that one can be lost. */
const instances = z.int32().min(1).max(9).default(3);

/** A cluster that another operator looks after. */
const clusterFields = {
  instances: instances.describe("How many there are; one takes writes, and another takes over when it is lost."),
  storage: size.default(defaultSize).describe("Size of each one's volume."),
  storageClassName: storageClassName.describe("Class of the volumes; the cluster's default when not given."),
  retain: z
    .boolean()
    .default(true)
    .describe("Whether it stays when the server is deleted, so that another server of this name finds it again."),
};
const postgresqlCluster = z.strictObject({
  ...clusterFields,
  resources: core.resources
    .optional()
    .describe("Each one's requests and limits; CloudNativePG's defaults when not given."),
});
const redisCluster = withRules(
  z.strictObject({ ...clusterFields, resources: engineResources.describe("Each one's requests and limits.") }),
  hasLimit,
);

const redis = withRules(
  z.strictObject({
    managed: managed("redis").optional().describe("One pod of Valkey, which anypod runs: for a start."),
    url: url.optional().describe("A Redis or Valkey that is there: `redis://` or `rediss://` (TLS)."),
    replication: redisCluster
      .optional()
      .describe("A RedisReplication with a RedisSentinel, which the operator of OT-CONTAINER-KIT runs."),
  }),
  exactlyOne("redis", ["managed", "url", "replication"]),
);

const postgresql = withRules(
  z.strictObject({
    managed: withTransitions(managed("postgresql"), postgresqlMajor)
      .optional()
      .describe("One pod of PostgreSQL, which anypod runs: for a start."),
    url: url.optional().describe("A PostgreSQL that is there: `postgresql://` or `postgres://`."),
    cloudNativePg: postgresqlCluster.optional().describe("A Cluster, which CloudNativePG runs."),
  }),
  exactlyOne("postgresql", ["managed", "url", "cloudNativePg"]),
);

const defaultEnvName = "MCP_TASK_STORE_URL";

export const taskStore = withRules(
  z.strictObject({
    redis: redis.optional().describe("Redis or Valkey."),
    postgresql: postgresql.optional().describe("PostgreSQL."),
    ref: z
      .strictObject({ name: core.objectName("name").describe("An McpServer in the namespace.") })
      .optional()
      .describe("The store of another server; keys are kept apart by `MCP_TASK_STORE_PREFIX`."),
    envName: text("^[A-Za-z_][A-Za-z0-9_]*$", "envName must be letters, digits and _, and begin with no digit", 253)
      .default(defaultEnvName)
      .describe("The variable that tells pods the URL, such as `FASTMCP_DOCKET_URL`."),
  }),
  exactlyOne("taskStore", ["redis", "postgresql", "ref"]),
);

export type TaskStore = z.output<typeof taskStore>;
export type Managed = z.output<ReturnType<typeof managed>>;
export type PostgresqlCluster = z.output<typeof postgresqlCluster>;
export type RedisCluster = z.output<typeof redisCluster>;
export type UrlSource = z.output<typeof url>;
export type SecretKey = z.output<typeof secretKey>;
