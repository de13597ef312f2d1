#!/usr/bin/env -S node --max-semi-space-size=2 --optimize-for-size
// The command line: wiring only. The flags above halve the operator's memory: V8 would let garbage of 16 MiB times
// three gather, a hundred times what one reconcile leaves behind.
import { parseArgs } from "node:util";
import { imagesOf, prometheusUrlOf, readConfig, runHelp, runOptions, UsageError } from "./config.ts";

const help = `anypod: runs stateless Model Context Protocol servers on Kubernetes

  anypod run [options]              the operator
  anypod render -f FILE [-f FILE]   prints the objects that the operator would apply, without a cluster
  anypod validate FILE …            checks files as the API server would, without a cluster
  anypod diff -f FILE [-f FILE]     shows what applying files would change on a cluster
  anypod crds                       prints the CustomResourceDefinition
  anypod <command> --help           more of a command
`;

const renderHelp = `anypod render -f FILE [-f FILE …] [-n NAMESPACE]

Prints what the operator would apply for the McpServers in the files, without a cluster. Owner references (they
need a live server's uid) are left out, and generated keys and hashes read <generated>.

  -f, --filename FILE     a file, a directory (its .yaml, .yml and .json), or - for standard input; repeat for more
  -n, --namespace NAME    for servers that name none (default: default)
  --controller NAME       who serves spec.routing in your cluster: controllerName of the GatewayClass, or controller of
                          the IngressClass, such as gateway.envoyproxy.io/gatewayclass-controller; repeat for more
  --installed KIND        a kind that your cluster has and that changes what is made, such as OpenTelemetryCollector
                          or ScaledObject; repeat for more
  --prometheus-url URL    where KEDA finds Prometheus, as the operator is told (default: $ANYPOD_PROMETHEUS_URL)

ANYPOD_REDIS_IMAGE, ANYPOD_POSTGRESQL_IMAGE and ANYPOD_COLLECTOR_IMAGE in the environment say what --redis-image,
--postgresql-image and --collector-image tell the operator.

Exits with 1 and one line "file:line field: problem" for each problem.
`;

async function renderCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      filename: { type: "string", short: "f", multiple: true },
      namespace: { type: "string", short: "n", default: "default" },
      controller: { type: "string", multiple: true },
      installed: { type: "string", multiple: true },
      "prometheus-url": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return print(renderHelp);
  if (!values.filename) throw new UsageError("render needs -f FILE: a file, a directory, or - for standard input");
  const { render } = await import("./render.ts");
  const { output, errors } = render(values.filename, values.namespace, {
    ...(values.controller && { controllers: values.controller }),
    ...(values.installed && { installed: values.installed }),
    images: imagesOf(process.env),
    prometheusUrl: prometheusUrlOf(process.env, values["prometheus-url"]),
  });
  for (const error of errors) console.error(error);
  process.stdout.write(output);
  return errors.length > 0 ? 1 : 0;
}

const validateHelp = `anypod validate [-f] FILE …

Checks the McpServers in the files as the API server would: unknown fields, types, and every rule of the
CustomResourceDefinition. Needs no cluster. Objects of other kinds are passed over.

  -f, --filename FILE     a file, a directory (its .yaml, .yml and .json), or - for standard input; repeat for more

Exits with 1 and one line "file:line field: problem" for each problem.
`;

async function validateCommand(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { filename: { type: "string", short: "f", multiple: true }, help: { type: "boolean", short: "h" } },
  });
  if (values.help) return print(validateHelp);
  const files = [...(values.filename ?? []), ...positionals];
  if (files.length === 0) throw new UsageError("validate needs FILE: a file, a directory, or - for standard input");
  const { validate } = await import("./validate.ts");
  const { summary, errors } = validate(files);
  for (const error of errors) console.error(error);
  if (errors.length > 0) return 1;
  return print(`${summary}\n`);
}

const diffHelp = `anypod diff -f FILE [-f FILE …] [-n NAMESPACE]

Shows what applying the McpServers in the files would change on a cluster: the McpServers, and all objects that the
operator would then create, change or prune. The API server is asked for each (server-side dry run); nothing is written,
and values of Secrets are never shown.

  -f, --filename FILE     a file, a directory (its .yaml, .yml and .json), or - for standard input; repeat for more
  -n, --namespace NAME    for servers that name none (default: default)
  --kubeconfig FILE       how to reach the cluster (default: $KUBECONFIG, else ~/.kube/config, else the pod's own account)
  --field-manager NAME    who applies the files (default: who applied the McpServer last, else kubectl)

The environment says what the operator is told, as for anypod render.

Exits with 0 when nothing changes, with 1 when something does, and with more than 1 and a line for each problem when it
can't be told.
`;

async function diffCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({
    args,
    options: {
      filename: { type: "string", short: "f", multiple: true },
      namespace: { type: "string", short: "n", default: "default" },
      kubeconfig: { type: "string" },
      "field-manager": { type: "string" },
      help: { type: "boolean", short: "h" },
    },
  });
  if (values.help) return print(diffHelp);
  if (!values.filename) throw new UsageError("diff needs -f FILE: a file, a directory, or - for standard input");
  const { diff } = await import("./diff/index.ts");
  const { output, errors } = await diff({
    paths: values.filename,
    namespace: values.namespace,
    kubeconfig: values.kubeconfig,
    fieldManager: values["field-manager"],
    images: imagesOf(process.env),
    prometheusUrl: prometheusUrlOf(process.env),
  });
  for (const error of errors) console.error(error);
  process.stdout.write(output);
  if (errors.length > 0) return 2;
  return output === "" ? print("nothing changes\n") : 1;
}

async function crdsCommand(): Promise<number> {
  const [{ crd }, { dump }] = await Promise.all([import("./api/crd.ts"), import("js-yaml")]);
  return print(dump(crd(), { noRefs: true }));
}

async function runCommand(args: string[]): Promise<number> {
  const { values } = parseArgs({ args, options: runOptions });
  if (values.help) return print(runHelp);
  const { run } = await import("./reconcile/operator.ts");
  return run(readConfig(values, process.env));
}

function print(text: string): number {
  process.stdout.write(text);
  return 0;
}

const commands: Record<string, (args: string[]) => Promise<number>> = {
  run: runCommand,
  render: renderCommand,
  validate: validateCommand,
  diff: diffCommand,
  crds: crdsCommand,
};

async function main([name = "--help", ...args]: string[]): Promise<number> {
  if (["--help", "-h", "help"].includes(name)) return print(help);
  const command = commands[name];
  if (!command) throw new UsageError(`there is no command '${name}': see anypod --help`);
  return command(args);
}

/** Whether the error is about how the command was called, by us or by parseArgs. */
const isUsage = (error: unknown) =>
  error instanceof UsageError || String((error as NodeJS.ErrnoException).code).startsWith("ERR_PARSE_ARGS");

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  console.error(`anypod: ${isUsage(error) ? (error as Error).message : ((error as Error).stack ?? error)}`);
  process.exitCode = 2;
}
