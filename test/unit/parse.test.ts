// What people see when a file is wrong: `file:line field: problem`, with what to write instead.
import { describe, expect, test } from "vitest";
import { parseFile, parseSpec } from "../../operator/api/parse.ts";

const head = "apiVersion: anypod.dev/v1alpha1\nkind: McpServer\nmetadata:\n  name: basket\nspec:\n";
/** A file whose line 6 is the image and whose lines from 7 on are given. */
const errorsOf = (...lines: string[]) =>
  parseFile("f.yaml", `${head}  image: basket\n${lines.join("\n")}\n`, "default").errors;

const atLeast = (number: number) => `Too small: expected number to be >=${number}`;
const unknown = "unknown field: see docs/reference.md for the fields that there are";
const autoscalingBounds =
  "minReplicas (2 when not given) is more than maxReplicas (10 when not given): raise maxReplicas or lower minReplicas";
const oneScaler = "replicas and autoscaling exclude each other: drop replicas, or set autoscaling.enabled to false";
const grace =
  "gracePeriodSeconds (60 when not given) must be more than drainSeconds (5 when not given): calls in flight need the difference";
const label = "must be lower-case letters, digits and '-', and begin and end with a letter or digit";

const onePool = "take it out of one, as a call goes to one pool only";
const onePod =
  "a sessionful server has one pod, as its sessions are in memory: drop replicas and autoscaling, or set sessionful to false";
const oneWay = "routing needs gateway or ingress, one of the two";
const oneKindOfClient = "tell clients apart by header or by sourceAddress, one of the two";
const headerName = "a header's name has letters, digits and the signs that HTTP allows, such as X-Canary";
/** Lines 7 and 8. */
const byGateway = ["  routing:", "    gateway: { parentRefs: [{ name: public }] }"];

describe("a spec is refused", () => {
  test.each<[string, string[], string]>([
    ["with an unknown field", ["  replica: 3"], `7 spec.replica: ${unknown}`],
    [
      "with an unknown field of autoscaling",
      ["  autoscaling:", "    targetCpu: 3"],
      `8 spec.autoscaling.targetCpu: ${unknown}`,
    ],
    [
      "with an unknown field of a pool",
      ["  pools:", "    - name: x", "      port: 1"],
      `9 spec.pools[0].port: ${unknown}`,
    ],
    [
      "with an unknown field of a variable",
      ["  env:", "    - name: x", "      valeu: a"],
      `9 spec.env[0].valeu: ${unknown}`,
    ],
    [
      "with an unknown field of requestState",
      ["  requestState: { rotate: 1h }"],
      `7 spec.requestState.rotate: ${unknown}`,
    ],
    ["with an unknown field of disruption", ["  disruption: { max: 1 }"], `7 spec.disruption.max: ${unknown}`],
    ["with an unknown field of network", ["  network: { to: [] }"], `7 spec.network.to: ${unknown}`],
    [
      "with an unknown field of serviceAccount",
      ["  serviceAccount: { labels: {} }"],
      `7 spec.serviceAccount.labels: ${unknown}`,
    ],
    ["with an unknown field of resources", ["  resources: { cpu: 1 }"], `7 spec.resources.cpu: ${unknown}`],
    ["with a negative number of replicas", ["  replicas: -1"], `7 spec.replicas: ${atLeast(0)}`],
    ["with half a replica", ["  replicas: 1.5"], "7 spec.replicas: expected int, received number"],
    ["with a number in quotes", ['  replicas: "3"'], "7 spec.replicas: expected number, received string"],
    [
      "with replicas and autoscaling",
      ["  replicas: 3", "  autoscaling:", "    minReplicas: 1"],
      `7 spec.replicas: ${oneScaler}`,
    ],
    ["with replicas and empty autoscaling", ["  replicas: 3", "  autoscaling: {}"], `7 spec.replicas: ${oneScaler}`],
    [
      "with replicas and autoscaling in a pool",
      ["  pools:", "    - name: x", "      autoscaling: {}", "      replicas: 1"],
      `10 spec.pools[0].replicas: ${oneScaler}`,
    ],
    [
      "with more at least than at most",
      ["  autoscaling:", "    maxReplicas: 3", "    minReplicas: 5"],
      `8 spec.autoscaling.maxReplicas: ${autoscalingBounds}`,
    ],
    [
      "with more at least than the default's most",
      ["  autoscaling:", "    minReplicas: 11"],
      `7 spec.autoscaling.maxReplicas: ${autoscalingBounds}`,
    ],
    [
      "with less at most than the default's least",
      ["  autoscaling:", "    maxReplicas: 1"],
      `8 spec.autoscaling.maxReplicas: ${autoscalingBounds}`,
    ],
    ["with no pod at least", ["  autoscaling: { minReplicas: 0 }"], `7 spec.autoscaling.minReplicas: ${atLeast(1)}`],
    [
      "with a metric of another type than it says",
      ["  autoscaling: { metrics: [{ type: Pods }] }"],
      "7 spec.autoscaling.metrics[0]: give the field that the type names, such as pods for type Pods",
    ],
    [
      "with two pools of one name",
      ["  pools:", "    - name: a", "    - name: a"],
      "7 spec.pools: two items have one name: give each its own",
    ],
    [
      "with a pool named main",
      ["  pools:", "    - name: main"],
      "8 spec.pools[0].name: main, legacy, canary are pools of anypod's own: name this one otherwise",
    ],
    [
      "with a pool named canary",
      ["  pools:", "    - name: canary"],
      "8 spec.pools[0].name: main, legacy, canary are pools of anypod's own: name this one otherwise",
    ],
    [
      "with a tool twice in a pool",
      ["  pools:", "    - name: x", "      tools: [a, a]"],
      "9 spec.pools[0].tools: a name stands here twice: drop one",
    ],
    [
      "with a tool in two pools",
      ["  pools: [{ name: x, tools: [a] }, { name: z, tools: [b, a] }]"],
      `7 spec.pools: a tool is in two pools: ${onePool}`,
    ],
    [
      "with a prompt in two pools",
      ["  pools: [{ name: x, prompts: [a] }, { name: z, prompts: [a] }]"],
      `7 spec.pools: a prompt is in two pools: ${onePool}`,
    ],
    [
      "with a resource in two pools",
      ["  pools: [{ name: x, resourceUris: ['a:b'] }, { name: z, resourceUris: ['a:b'] }]"],
      `7 spec.pools: a resource's URI is in two pools: ${onePool}`,
    ],
    [
      "with a method in two pools",
      ["  pools: [{ name: x, methods: [tools/list] }, { name: z, methods: [tools/list] }]"],
      `7 spec.pools: a method is in two pools: ${onePool}`,
    ],
    [
      "with a tool without a name",
      ['  pools: [{ name: x, tools: [""] }]'],
      "7 spec.pools[0].tools[0]: Too small: expected string to have >=1 characters",
    ],
    [
      "with an empty list of tools",
      ["  pools: [{ name: x, tools: [] }]"],
      "7 spec.pools[0].tools: Too small: expected array to have >=1 items",
    ],
    [
      "with a resource that is no URI",
      ["  pools: [{ name: x, resourceUris: [report.txt] }]"],
      "7 spec.pools[0].resourceUris[0]: a resource's URI has a scheme and no blanks, such as file:///report.txt; encode other characters as %..",
    ],
    [
      "with a method that is none",
      ["  pools: [{ name: x, methods: [tools list] }]"],
      "7 spec.pools[0].methods[0]: a method is a name of MCP's, such as tools/list or resources/read",
    ],
    ["with a canary without an image", ["  canary: { weight: 5 }"], "7 spec.canary.image: required, but not given"],
    [
      "with a canary for more than all",
      ["  canary:", "    image: x", "    weight: 101"],
      "9 spec.canary.weight: Too big: expected number to be <=100",
    ],
    [
      "with a header of the protocol's for a canary",
      ["  canary:", "    image: x", "    header: { name: MCP-Name, value: x }"],
      "9 spec.canary.header: Mcp- headers are the protocol's own: name a header of yours, such as X-Canary",
    ],
    [
      "with a header that can't be one",
      ["  canary:", "    image: x", "    header: { name: X Canary, value: x }"],
      `9 spec.canary.header.name: ${headerName}`,
    ],
    [
      "with replicas and autoscaling in a canary",
      ["  canary:", "    image: x", "    autoscaling: {}", "    replicas: 1"],
      `10 spec.canary.replicas: ${oneScaler}`,
    ],
    ["with two pods for sessions in memory", ["  legacy:", "    replicas: 2"], `7 spec.legacy.sessionful: ${onePod}`],
    [
      "with an autoscaler for sessions in memory",
      ["  legacy:", "    sessionful: true", "    autoscaling: {}"],
      `8 spec.legacy.sessionful: ${onePod}`,
    ],
    ["with an unknown field of legacy", ["  legacy: { port: 1 }"], `7 spec.legacy.port: ${unknown}`],
    ["with a route by nothing", ["  routing: {}"], `7 spec.routing: ${oneWay}`],
    [
      "with a route by gateway and by ingress",
      ["  routing: { gateway: { parentRefs: [{ name: g }] }, ingress: { className: i } }"],
      `7 spec.routing: ${oneWay}`,
    ],
    [
      "with a gateway without parents",
      ["  routing:", "    gateway:", "      parentRefs: []"],
      "9 spec.routing.gateway.parentRefs: Too small: expected array to have >=1 items",
    ],
    [
      "with a parent's name that can't be one",
      ["  routing: { gateway: { parentRefs: [{ name: Public }] } }"],
      "7 spec.routing.gateway.parentRefs[0].name: name must be the name of an object: lower-case letters, digits, '-' and '.', beginning and ending with a letter or digit",
    ],
    [
      "with an ingress without a class",
      ["  routing: { ingress: {} }"],
      "7 spec.routing.ingress.className: required, but not given",
    ],
    [
      "with a URL for a hostname",
      [...byGateway, "    hostnames: [https://mcp.example.com]"],
      "9 spec.routing.hostnames[0]: a hostname is lower-case, without scheme, port and path, such as mcp.example.com or *.example.com",
    ],
    [
      "with a hostname twice",
      [...byGateway, "    hostnames: [a.example.com, a.example.com]"],
      "9 spec.routing.hostnames: a name stands here twice: drop one",
    ],
    [
      "with a time-out in days",
      [...byGateway, "    timeouts:", "      idle: 1d"],
      "10 spec.routing.timeouts.idle: a timeout is a duration in hours, minutes and seconds, such as 90s or 1h; 0s is none",
    ],
    [
      "with a limit for a tool and a method",
      [...byGateway, "    rateLimits:", "      - { tool: a, method: b, requests: 1 }"],
      "10 spec.routing.rateLimits[0]: give method or tool, not both: a tool's method is tools/call",
    ],
    [
      "with a limit of nothing",
      [...byGateway, "    rateLimits: [{ requests: 0 }]"],
      `9 spec.routing.rateLimits[0].requests: ${atLeast(1)}`,
    ],
    [
      "with a limit a day",
      [...byGateway, "    rateLimits: [{ requests: 1, unit: Day }]"],
      '9 spec.routing.rateLimits[0].unit: expected one of "Second"|"Minute"|"Hour"',
    ],
    [
      "with clients told apart by nothing",
      [...byGateway, "    rateLimits: [{ requests: 1, perClient: { sourceAddress: false } }]"],
      `9 spec.routing.rateLimits[0].perClient: ${oneKindOfClient}`,
    ],
    [
      "with clients told apart by two things",
      [...byGateway, "    rateLimits: [{ requests: 1, perClient: { sourceAddress: true, header: X } }]"],
      `9 spec.routing.rateLimits[0].perClient: ${oneKindOfClient}`,
    ],
    [
      "with a page for an origin",
      [...byGateway, "    cors: { allowOrigins: [https://a.example.com/page] }"],
      "9 spec.routing.cors.allowOrigins[0]: an origin is a scheme, a host and perhaps a port, such as https://app.example.com, or * for all",
    ],
    [
      "with no origin at all",
      [...byGateway, "    cors: { allowOrigins: [] }"],
      "9 spec.routing.cors.allowOrigins: Too small: expected array to have >=1 items",
    ],
    [
      "with a header of pages' that can't be one",
      [...byGateway, '    cors: { allowOrigins: ["*"], allowHeaders: ["X:"] }'],
      `9 spec.routing.cors.allowHeaders[0]: ${headerName}`,
    ],
    ["with an unknown field of routing", [...byGateway, "    path: /x"], `9 spec.routing.path: ${unknown}`],
    [
      "with a pool whose name is no label",
      ["  pools:", "    - name: A_b"],
      `8 spec.pools[0].name: a pool's name ${label}`,
    ],
    ["with a pool without a name", ["  pools:", "    - image: x"], "8 spec.pools[0].name: required, but not given"],
    [
      "with a template without containers",
      ["  template:", "    spec:", "      containers: []"],
      "9 spec.template.spec.containers: the server's container can't be removed: leave containers out to keep it as it is, or change it under the name 'server'",
    ],
    [
      "with a template's container without a name",
      ["  template: { spec: { containers: [{ image: x }] } }"],
      "7 spec.template.spec.containers[0].name: required, but not given",
    ],
    [
      "with two containers of one name in a template",
      ["  template: { spec: { containers: [{ name: a }, { name: a }] } }"],
      "7 spec.template.spec.containers: two items have one name: give each its own",
    ],
    [
      "with anypod's own labels in a template",
      ["  template:", "    metadata:", "      labels:", "        anypod.dev/pool: x"],
      "9 spec.template.metadata.labels: labels under anypod.dev/ are anypod's own: name yours otherwise",
    ],
    [
      "with a rotation in days",
      ["  requestState: { rotateEvery: 30d }"],
      "7 spec.requestState.rotateEvery: rotateEvery is a duration in hours, minutes and seconds, such as 720h or 1h30m",
    ],
    [
      "with a rotation in seconds",
      ["  requestState: { rotateEvery: 59s }"],
      "7 spec.requestState.rotateEvery: rotateEvery must be a minute or more: every rotation is two rollouts",
    ],
    [
      "with rotation of somebody's own keys",
      ["  requestState: { rotateEvery: 1h, secretRef: { name: x } }"],
      "7 spec.requestState: rotateEvery is for generated keys: drop it, and rotate the Secret of secretRef yourself",
    ],
    [
      "with a budget in words",
      ["  disruption: { maxUnavailable: lots }"],
      "7 spec.disruption.maxUnavailable: must be a whole number or a percentage up to 100%, such as 1 or 25%",
    ],
    [
      "with a budget of more than all",
      ["  disruption: { minAvailable: 101% }"],
      "7 spec.disruption.minAvailable: must be a whole number or a percentage up to 100%, such as 1 or 25%",
    ],
    [
      "with two budgets",
      ["  disruption: { maxUnavailable: 1, minAvailable: 1 }"],
      "7 spec.disruption: give maxUnavailable or minAvailable, not both",
    ],
    [
      "with a drain as long as the default's grace",
      ["  disruption:", "    drainSeconds: 60"],
      `7 spec.disruption.gracePeriodSeconds: ${grace}`,
    ],
    [
      "with a grace as short as the default's drain",
      ["  disruption:", "    gracePeriodSeconds: 5"],
      `8 spec.disruption.gracePeriodSeconds: ${grace}`,
    ],
    [
      "with annotations for somebody's own account",
      ["  serviceAccount: { name: x, annotations: { a: b } }"],
      "7 spec.serviceAccount: annotations are for the ServiceAccount that anypod makes: drop them, or drop name",
    ],
    [
      "with a path without a slash",
      ["  path: mcp"],
      "7 spec.path: path begins with '/' and has letters, digits and /._~- only, such as /mcp",
    ],
    ["with port 0", ["  port: 0"], `7 spec.port: ${atLeast(1)}`],
    ["with a port above all", ["  port: 65536"], "7 spec.port: Too big: expected number to be <=65535"],
    [
      "with the old protocol alone",
      ['  protocolVersions: ["2025-11-25"]'],
      "7 spec.protocolVersions: protocolVersions must hold 2026-07-28: older versions are served beside it",
    ],
    [
      "with no protocol",
      ["  protocolVersions: []"],
      "7 spec.protocolVersions: protocolVersions must hold 2026-07-28: older versions are served beside it",
    ],
    [
      "with a protocol twice",
      ['  protocolVersions: ["2026-07-28", "2026-07-28"]'],
      "7 spec.protocolVersions: protocolVersions names a version twice",
    ],
    [
      "with an unknown protocol",
      ["  protocolVersions:", '    - "2026-07-28"', '    - "2024-11-05"'],
      '9 spec.protocolVersions[1]: expected one of "2026-07-28"|"2025-11-25"',
    ],
    [
      "with a variable of two sources",
      ["  env:", "    - name: A", "      value: x", "      valueFrom: { fieldRef: { fieldPath: a } }"],
      "8 spec.env[0]: give value or valueFrom, not both",
    ],
    [
      "with a variable of no source",
      ["  env: [{ name: A, valueFrom: {} }]"],
      "7 spec.env[0].valueFrom: name exactly one of secretKeyRef, configMapKeyRef, fieldRef, resourceFieldRef",
    ],
    [
      "with a variable that can't be one",
      ["  env: [{ name: A=B }]"],
      "7 spec.env[0].name: an environment variable's name has no '=' and no blank",
    ],
    [
      "with a variable twice",
      ["  env: [{ name: A }, { name: A }]"],
      "7 spec.env: two items have one name: give each its own",
    ],
    [
      "with a number for a variable",
      ["  env:", "    - name: A", "      value: 3"],
      "9 spec.env[0].value: expected string, received number",
    ],
    [
      "with an envFrom of nothing",
      ["  envFrom: [{}]"],
      "7 spec.envFrom[0]: name exactly one of secretRef, configMapRef",
    ],
    [
      "with an unknown pull policy",
      ["  imagePullPolicy: Sometimes"],
      '7 spec.imagePullPolicy: expected one of "Always"|"IfNotPresent"|"Never"',
    ],
    [
      "with a peer that is nobody",
      ["  network: { from: [{}] }"],
      "7 spec.network.from[0]: a peer is an ipBlock, or a podSelector and/or a namespaceSelector",
    ],
    [
      "with a peer that is two things",
      ["  network:", "    from:", "      - ipBlock: { cidr: 10.0.0.0/8 }", "        podSelector: {}"],
      "9 spec.network.from[0]: a peer is an ipBlock, or a podSelector and/or a namespaceSelector",
    ],
    [
      "with a quantity in words",
      ["  resources: { limits: { cpu: a lot } }"],
      "7 spec.resources.limits.cpu: must be a quantity, such as 2, 100m or 128Mi",
    ],
    ["with a value where a list belongs", ["  args: hello"], "7 spec.args: expected array, received string"],
    [
      "with a name where an object belongs",
      ["  imagePullSecrets: [regcred]"],
      "7 spec.imagePullSecrets[0]: expected object, received string",
    ],
  ])("%s", (_, lines, problem) => {
    expect(errorsOf(...lines)).toEqual([`f.yaml:${problem}`]);
  });

  test("with every problem at once, in a line each", () => {
    expect(errorsOf("  port: 0", "  path: mcp", "  nope: 1")).toHaveLength(3);
  });
});

test("all pools together may name so many tools that the API server can still compare them", () => {
  const pools = (each: number) =>
    Array.from({ length: 10 }, (_, pool) => ({
      name: `p${pool}`,
      tools: Array.from({ length: each }, (__, tool) => `t${pool}-${tool}`),
    }));
  expect(parseSpec({ image: "a", pools: pools(75) })).not.toHaveProperty("problems");
  expect(parseSpec({ image: "a", pools: pools(76) })).toMatchObject({
    problems: [
      { field: "pools", message: "all pools together may name 750 tools at most: leave some to the main pool" },
    ],
  });
});

describe("images", () => {
  const accepted = (image: string) => "spec" in parseSpec({ image });
  test.each([
    "basket",
    "shop/basket:1.4.0",
    "localhost:5000/a/b_c:1",
    "Registry.example.com/a",
    `a@sha256:${"0".repeat(64)}`,
    "a:1.0-rc.1_x",
  ])("%s is one", (image) => {
    expect(accepted(image)).toBe(true);
  });
  test.each(["", "UPPER", "a b", "a:", "a@sha256:123", "http://a/b", "-a", "a/", "a:b:c", `a:${"x".repeat(129)}`])(
    "'%s' is none",
    (image) => {
      expect(accepted(image)).toBe(false);
    },
  );
  test("are checked in no time, however they look", () => {
    const began = performance.now();
    accepted(`${"a-".repeat(250)}!`);
    accepted(`${"a".repeat(500)}/!`);
    expect(performance.now() - began).toBeLessThan(200);
  });
});

describe("a file", () => {
  test("without an image says where the spec is", () => {
    expect(parseFile("f.yaml", head.replace("spec:\n", "spec: {}\n"), "x").errors).toEqual([
      "f.yaml:5 spec.image: required, but not given",
    ]);
  });

  test("with an empty spec says so", () => {
    expect(parseFile("f.yaml", head, "x").errors).toEqual(["f.yaml:5 spec: expected object, received null"]);
  });

  test("with a bad name, another version or generateName says so", () => {
    const source =
      "kind: McpServer\napiVersion: anypod.dev/v2\nmetadata:\n  name: Basket\n  namespace: a.b\n  generateName: x-\nspec: { image: a }";
    expect(parseFile("f.yaml", source, "x").errors).toEqual([
      'f.yaml:2 apiVersion: expected "anypod.dev/v1alpha1"',
      "f.yaml:4 metadata.name: an McpServer's name is the name of its Service: at most 63 lower-case letters, digits and '-', beginning with a letter and ending with a letter or digit",
      `f.yaml:5 metadata.namespace: a namespace ${label}`,
      "f.yaml:6 metadata.generateName: generateName can't be rendered: write name",
    ]);
  });

  test("of several documents has the right lines in each, and all problems", () => {
    const bad = `${head}  image: basket\n  port: 0\n`;
    const { errors } = parseFile("f.yaml", `# a comment\n${bad}---\n${bad}---\n\n${bad}`, "x");
    expect(errors.map((error) => error.split(" ")[0])).toEqual(["f.yaml:8", "f.yaml:16", "f.yaml:25"]);
  });

  test("in JSON has lines too", () => {
    const json = JSON.stringify(
      {
        apiVersion: "anypod.dev/v1alpha1",
        kind: "McpServer",
        metadata: { name: "a" },
        spec: { image: "a", pools: [{ name: "p", port: 1 }] },
      },
      null,
      2,
    );
    expect(parseFile("f.json", json, "x").errors).toEqual([`f.json:12 spec.pools[0].port: ${unknown}`]);
  });

  test("in flow style has the line of the field, not of the braces", () => {
    const source =
      "{apiVersion: anypod.dev/v1alpha1, kind: McpServer,\n metadata: {name: a}, spec: {image: a,\n port: 0,\n pools: [{name: p},\n {name: p2, bad: 1}]}}";
    expect(parseFile("f.yaml", source, "x").errors).toEqual([
      `f.yaml:3 spec.port: ${atLeast(1)}`,
      `f.yaml:5 spec.pools[1].bad: ${unknown}`,
    ]);
  });

  test("with quoted keys has their lines", () => {
    const source = `${head}  "image": basket\n  'port': 0\n  "a \\"key\\"": 1\n`;
    expect(parseFile("f.yaml", source, "x").errors).toEqual([
      `f.yaml:7 spec.port: ${atLeast(1)}`,
      `f.yaml:8 spec.a "key": ${unknown}`,
    ]);
  });

  test("with long texts and comments between has the right lines", () => {
    const errors = errorsOf(
      "  args:",
      "    - |",
      "      a: b",
      "      - c",
      "",
      "  # port: 1",
      "  command: [x,",
      "     z]",
      "",
      "  port: 0",
    );
    expect(errors).toEqual([`f.yaml:16 spec.port: ${atLeast(1)}`]);
  });

  test("with an alias has the line where the alias stands", () => {
    const source = `x: &x { nope: 1 }\n${head}  image: basket\n  resources: *x\n`;
    expect(parseFile("f.yaml", source, "x").errors).toContainEqual(
      expect.stringMatching(/^f.yaml:8 spec.resources.nope/),
    );
  });

  test("that is no YAML says where it stops being some", () => {
    expect(parseFile("f.yaml", "a: b\nc: [d", "x").errors).toEqual([
      "f.yaml:2 not YAML: unexpected end of the stream within a flow collection",
    ]);
    expect(parseFile("f.yaml", "a: b\na: c\n", "x").errors).toEqual(["f.yaml:2 not YAML: duplicated mapping key"]);
  });

  test.each([
    ["nothing", ""],
    ["comments", "# nothing\n---\n# nothing\n"],
    ["other kinds", "apiVersion: v1\nkind: ConfigMap\n---\nkind: McpServerList\n"],
    ["text", "just text"],
    ["a list", "- kind: McpServer"],
    ["null", "null"],
  ])("of %s has no servers and no problems", (_, source) => {
    expect(parseFile("f.yaml", source, "x")).toMatchObject({ servers: [], errors: [] });
  });

  test("gives servers with all defaults, in their own namespace or the given one", () => {
    const { servers, errors } = parseFile(
      "f.yaml",
      `${head}  image: a\n---\n${head.replace("basket", "b\n  namespace: own")}  image: b\n`,
      "given",
    );
    expect(errors).toEqual([]);
    expect(servers.map(({ metadata }) => [metadata.namespace, metadata.name])).toEqual([
      ["given", "basket"],
      ["own", "b"],
    ]);
    expect(servers[0]?.spec).toEqual({
      image: "a",
      port: 8080,
      path: "/mcp",
      protocolVersions: ["2026-07-28"],
      resources: { requests: { cpu: "50m", memory: "64Mi" } },
      requestState: {},
      disruption: { drainSeconds: 5, gracePeriodSeconds: 60 },
      serviceAccount: { automountToken: false },
      paused: false,
    });
  });
});
