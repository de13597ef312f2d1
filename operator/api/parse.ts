// What somebody wrote → McpServers with defaults, or problems that name the field and say what to write.
import * as z from "zod";
import { dnsLabel } from "./core.ts";
import { apiVersion, kind, type McpServer, nameRule, spec } from "./mcpserver.ts";
import { withRules } from "./rule.ts";
import { type Path, parseYaml, YamlError } from "./yaml.ts";

/** One thing that is wrong with a file or an object. */
export interface Problem {
  /** Field such as `spec.pools[1].name`; empty for the whole. */
  field: string;
  message: string;
  path: Path;
}

const manifest = z.object({
  apiVersion: z.literal(apiVersion),
  kind: z.literal(kind),
  metadata: z.object({
    name: withRules(z.string(), { ...nameRule, holds: nameRule.holds }),
    namespace: dnsLabel("a namespace").optional(),
    generateName: z.undefined({ message: "generateName can't be rendered: write name" }).optional(),
  }),
  spec,
});

const fieldName = (path: Path) =>
  path.reduce<string>((name, part) => {
    if (typeof part === "number") return `${name}[${part}]`;
    return name === "" ? String(part) : `${name}.${String(part)}`;
  }, "");

function problems(issue: z.core.$ZodIssue): Problem[] {
  if (issue.code === "unrecognized_keys")
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return {
        path,
        field: fieldName(path),
        message: "unknown field: see docs/reference.md for the fields that there are",
      };
    });
  const missing = issue.code === "invalid_type" && issue.input === undefined;
  const message = missing ? "required, but not given" : issue.message.replace(/^Invalid (input|option): /, "");
  return [{ path: issue.path, field: fieldName(issue.path), message }];
}

/** The spec of an object from the API server, with defaults, or what is wrong with it. */
export function parseSpec(value: unknown): { spec: McpServer["spec"] } | { problems: Problem[] } {
  const result = spec.safeParse(value, { reportInput: true });
  return result.success ? { spec: result.data } : { problems: result.error.issues.flatMap(problems) };
}

export interface ParsedFile {
  servers: McpServer[];
  /** `file:line field: problem`, one a line, in the order of the file. */
  errors: string[];
}

const isMcpServer = (value: unknown) => (value as { kind?: unknown }).kind === kind;

/**
 * Reads the McpServers of one file; documents of other kinds are passed over.
 * @param file the name to show in errors
 * @param namespace for servers that name none
 */
export function parseFile(file: string, source: string, namespace: string): ParsedFile {
  try {
    const parsed = parseYaml(source).filter(({ value }) => isMcpServer(value));
    const results = parsed.map(({ value, lineOf }) => {
      const result = manifest.safeParse(value, { reportInput: true });
      if (result.success) return { servers: [server(result.data, namespace)], errors: [] };
      const found = result.error.issues.flatMap(problems);
      return {
        servers: [],
        errors: found.map(({ path, field, message }) => `${file}:${lineOf(path)} ${field}: ${message}`),
      };
    });
    return { servers: results.flatMap(({ servers }) => servers), errors: results.flatMap(({ errors }) => errors) };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { servers: [], errors: [`${file}:${error.line} not YAML: ${error.message}`] };
  }
}

function server(parsed: z.output<typeof manifest>, namespace: string): McpServer {
  const { name, namespace: own } = parsed.metadata;
  return { metadata: { name, namespace: own ?? namespace, uid: "", generation: 1 }, spec: parsed.spec };
}
