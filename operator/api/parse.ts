// What somebody wrote → McpServers with defaults, or problems that name the field and say what to write.
import * as z from "zod";
import { apiVersion, kind, type McpServer, spec } from "./mcpserver.ts";
import { metadata } from "./metadata.ts";
import { type Path, parseYaml, type YamlDocument, YamlError } from "./yaml.ts";

/** One thing that is wrong with a file or an object. */
export interface Problem {
  /** Field such as `spec.pools[1].name`; empty for the whole. */
  field: string;
  message: string;
  path: Path;
}

const manifest = z.strictObject({
  apiVersion: z.literal(apiVersion),
  kind: z.literal(kind),
  metadata,
  spec,
  // Passed over by the API server, and in files that `kubectl get -o yaml` wrote.
  status: z.unknown().optional(),
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

/** An McpServer as it was written, without defaults: what goes to the API server. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; [field: string]: unknown };
  spec: object;
}

export interface ParsedFile {
  servers: McpServer[];
  /** The same servers, as they were written but for the namespace. */
  manifests: Manifest[];
  /** How many documents are of other kinds. */
  others: number;
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
    const documents = parseYaml(source);
    const results = documents
      .filter(({ value }) => isMcpServer(value))
      .map((each) => parseDocument(file, each, namespace));
    return {
      servers: results.flatMap(({ server }) => server ?? []),
      manifests: results.flatMap(({ written }) => written ?? []),
      others: documents.length - results.length,
      errors: results.flatMap(({ errors }) => errors),
    };
  } catch (error) {
    if (!(error instanceof YamlError)) throw error;
    return { servers: [], manifests: [], others: 0, errors: [`${file}:${error.line} not YAML: ${error.message}`] };
  }
}

interface ParsedDocument {
  server?: McpServer;
  written?: Manifest;
  errors: string[];
}

function parseDocument(file: string, { value, lineOf }: YamlDocument, namespace: string): ParsedDocument {
  const result = manifest.safeParse(value, { reportInput: true });
  if (!result.success) {
    const found = result.error.issues.flatMap(problems);
    return { errors: found.map(({ path, field, message }) => `${file}:${lineOf(path)} ${field}: ${message}`) };
  }
  const { status: _, ...written } = value as Manifest & { status?: unknown };
  const own = { ...written.metadata, namespace: written.metadata.namespace ?? namespace };
  return { server: server(result.data, namespace), written: { ...written, metadata: own }, errors: [] };
}

function server(parsed: z.output<typeof manifest>, namespace: string): McpServer {
  const { name, namespace: own } = parsed.metadata;
  return { metadata: { name, namespace: own ?? namespace, uid: "", generation: 1 }, spec: parsed.spec };
}
