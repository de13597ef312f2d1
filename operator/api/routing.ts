// The part of the schema about traffic: what a pool takes, and how calls come in from outside the cluster.
import * as z from "zod";
import * as core from "./core.ts";
import { goDuration } from "./duration.ts";
import { text, withRules } from "./rule.ts";

/** The revision of MCP whose requests carry method and name as headers. */
export const modernVersion = "2026-07-28";

/** Unique strings; a name that stands twice in one list is refused by the list's type. */
function names(item: z.ZodType<string>, maxItems: number) {
  return z
    .array(item)
    .min(1)
    .max(maxItems)
    .refine((items) => new Set(items).size === items.length, { message: "a name stands here twice: drop one" })
    .meta({ "x-kubernetes-list-type": "set" });
}

const anyName = z.string().min(1).max(128);
const resourceUri = text(
  "^[a-zA-Z][a-zA-Z0-9+.-]*:[!-~]+$",
  "a resource's URI has a scheme and no blanks, such as file:///report.txt; encode other characters as %..",
  1024,
);
const method = text(
  "^[a-zA-Z0-9_$-]+(/[a-zA-Z0-9_$-]+)*$",
  "a method is a name of MCP's, such as tools/list or resources/read",
  64,
);

/** The fields of a pool that say which calls it takes. */
export const takes = {
  tools: names(anyName, 100).optional().describe("Takes calls (`tools/call`) of these tools."),
  prompts: names(anyName, 100).optional().describe("Takes `prompts/get` of these prompts."),
  resourceUris: names(resourceUri, 100).optional().describe("Takes `resources/read` of these URIs."),
  methods: names(method, 32).optional().describe("Takes these methods, but for names that another pool takes."),
};
export type Taking = keyof typeof takes;
type Taker = { [field in Taking]?: string[] | undefined };

/** How many names all pools may have in one field: what CEL can compare within its budget. */
const mostNames = 750;

function onePoolEach(field: Taking, what: string) {
  const sizes = `self.map(pool, has(pool.${field}) ? pool.${field}.size() : 0)`;
  const all = (pools: Taker[]) => pools.flatMap((pool) => pool[field] ?? []);
  return [
    {
      cel: `${sizes}.sum() <= ${mostNames}`,
      message: `all pools together may name ${mostNames} ${field} at most: leave some to the main pool`,
      holds: (pools: Taker[]) => all(pools).length <= mostNames,
    },
    {
      cel: `${sizes}.sum() > ${mostNames} || self.all(pool, !has(pool.${field}) || pool.${field}.all(name, self.exists_one(other, has(other.${field}) && name in other.${field})))`,
      message: `${what} is in two pools: take it out of one, as a call goes to one pool only`,
      holds: (pools: Taker[]) =>
        all(pools).length > mostNames ||
        new Set(all(pools)).size === pools.flatMap((pool) => [...new Set(pool[field])]).length,
    },
  ];
}

/** Rules of the list of pools: a call goes to one pool only. */
export const takingRules = [
  ...onePoolEach("tools", "a tool"),
  ...onePoolEach("prompts", "a prompt"),
  ...onePoolEach("resourceUris", "a resource's URI"),
  ...onePoolEach("methods", "a method"),
];

const headerName = text(
  "^[A-Za-z0-9!#$%&*+.^_|~-]+$",
  "a header's name has letters, digits and the signs that HTTP allows, such as X-Canary",
  128,
);

/** What every gateway can match: Traefik writes values between backquotes, and Gateway API knows single blanks only. */
const headerValue = text(
  "^[!-_a-~]+( [!-_a-~]+)*$",
  "a header's value is ASCII without a backquote, without blanks around it and without two in a row, such as yes",
  1024,
);

/** The canary without what it shares with pools. */
export const canaryShare = {
  weight: z
    .int32()
    .min(0)
    .max(100)
    .default(0)
    .describe("Share of the main pool's calls that the canary takes, in percent."),
  header: withRules(z.strictObject({ name: headerName, value: headerValue }), {
    cel: "!self.name.lowerAscii().startsWith('mcp-')",
    message: "Mcp- headers are the protocol's own: name a header of yours, such as X-Canary",
    holds: ({ name }) => !name.toLowerCase().startsWith("mcp-"),
  })
    .optional()
    .describe("Calls with this header go to the canary whatever the weight; pools keep what they take."),
};

const hostname = text(
  "^([*][.])?[a-z0-9]([-a-z0-9]*[a-z0-9])?([.][a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
  "a hostname is lower-case, without scheme, port and path, such as mcp.example.com or *.example.com",
  253,
);

const parentRef = z.strictObject({
  group: z.string().max(253).optional(),
  kind: z.string().min(1).max(63).optional().describe("`Gateway` when not given."),
  name: core.objectName("name"),
  namespace: core.dnsLabel("namespace").optional().describe("The server's own when not given."),
  sectionName: z.string().min(1).max(253).optional().describe("One listener; all that fit when not given."),
  port: z.int32().min(1).max(65535).optional(),
});

const gateway = z.strictObject({
  parentRefs: z.array(parentRef).min(1).max(32).describe("The Gateways (or listeners of them) that calls come in by."),
});

const ingress = z.strictObject({
  className: core
    .objectName("className")
    .describe("The IngressClass; its controller decides which route kind is made."),
  tls: z
    .array(
      z.strictObject({
        hosts: z.array(hostname).max(16).optional().describe("routing.hostnames when not given."),
        secretName: core.objectName("secretName").optional().describe("The certificate's Secret."),
      }),
    )
    .max(16)
    .optional()
    .describe("Certificates, as in an Ingress."),
  annotations: z
    .record(z.string(), z.string())
    .optional()
    .describe("For the route's object, such as cert-manager.io/cluster-issuer; they win over anypod's own."),
});

/** "0s" stands for no limit, as in Gateway API. */
const timeout = goDuration("a timeout is a duration in hours, minutes and seconds, such as 90s or 1h; 0s is none");

const timeouts = z.strictObject({
  request: timeout
    .default("1h")
    .describe("The longest that a call may take; `subscriptions/listen` has no limit. 0s: none."),
  idle: timeout.default("1h").describe("The longest silence on a call or a stream. 0s: none."),
});

const rateLimit = withRules(
  z.strictObject({
    method: method.optional().describe("Only requests of this method."),
    tool: anyName.optional().describe("Only calls of this tool."),
    perClient: withRules(
      z.strictObject({
        header: headerName.optional().describe("Clients are told apart by this header, such as X-Api-Key."),
        sourceAddress: z.boolean().optional().describe("Clients are told apart by their IP address."),
      }),
      {
        cel: "has(self.header) != (has(self.sourceAddress) && self.sourceAddress)",
        message: "tell clients apart by header or by sourceAddress, one of the two",
        holds: ({ header, sourceAddress }) => (header !== undefined) !== (sourceAddress ?? false),
      },
    )
      .optional()
      .describe("Each client has a budget of its own. One for all when not given."),
    requests: z.int32().min(1).describe("How many a unit."),
    unit: z.enum(["Second", "Minute", "Hour"]).default("Minute"),
  }),
  {
    cel: "!(has(self.method) && has(self.tool))",
    message: "give method or tool, not both: a tool's method is tools/call",
    holds: ({ method, tool }) => method === undefined || tool === undefined,
  },
);

const origin = text(
  "^([*]|[a-z][a-z0-9+.-]*://([*]|([*][.])?[A-Za-z0-9.-]+)(:[0-9]{1,5})?)$",
  "an origin is a scheme, a host and perhaps a port, such as https://app.example.com, or * for all",
  253,
);

const cors = z.strictObject({
  allowOrigins: z.array(origin).min(1).max(64).describe("The web pages that may call; `*` for all."),
  allowHeaders: z
    .array(headerName)
    .max(48)
    .optional()
    .describe("Headers beside those of MCP, Content-Type, Accept and Authorization."),
  allowCredentials: z.boolean().default(false),
  maxAge: z.int32().min(0).default(3600).describe("How long browsers may remember the answer, in seconds."),
});

export const routing = withRules(
  z.strictObject({
    hostnames: names(hostname, 16)
      .optional()
      .describe("Hosts of the server. Those of the Gateway's listeners, or all, when not given."),
    gateway: gateway.optional().describe("Routes of Gateway API."),
    ingress: ingress.optional().describe("Routes of an ingress controller."),
    timeouts: timeouts.default({ request: "1h", idle: "1h" }).describe("How long calls may take and be silent."),
    rateLimits: z
      .array(rateLimit)
      .max(32)
      .optional()
      .describe("How often clients may call; counted by each gateway pod for itself."),
    cors: cors.optional().describe("For callers in web pages."),
  }),
  {
    cel: "has(self.gateway) != has(self.ingress)",
    message: "routing needs gateway or ingress, one of the two",
    holds: ({ gateway: byGateway, ingress: byIngress }) => (byGateway === undefined) !== (byIngress === undefined),
  },
);

export type Routing = z.output<typeof routing>;
export type RateLimit = z.output<typeof rateLimit>;
