// The Go modules in binaries/: what is built from each of them, and where Go keeps the sources of what they require.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface GoModule {
  /** The folder below binaries/. */
  folder: string;
  version: string;
  /** By the binary's name, the package that it is built from. */
  packages: Record<string, string>;
  ldflags: string;
  tags?: string[] | undefined;
  /** How long a first build takes, as told to the user. */
  takes: string;
}

const prometheusOperator = "github.com/prometheus-operator/prometheus-operator";

export function goModules(): GoModule[] {
  return [
    required("etcd", "go.etcd.io/etcd/server/v3", { packages: { etcd: "." }, takes: "a minute" }),
    kubernetes(),
    { folder: "pause", version: "1", packages: { pause: "." }, ldflags: "", takes: "seconds" },
    required("kwok", "sigs.k8s.io/kwok", { packages: { kwok: "sigs.k8s.io/kwok/cmd/kwok" }, takes: "a minute or two" }),
    required("helm", "helm.sh/helm/v4", {
      packages: { helm: "helm.sh/helm/v4/cmd/helm" },
      takes: "two or three minutes",
    }),
    required("kubeconform", "github.com/yannh/kubeconform", {
      packages: { kubeconform: "github.com/yannh/kubeconform/cmd/kubeconform" },
      takes: "half a minute",
    }),
    gitops(),
    required("actionlint", "github.com/rhysd/actionlint", {
      packages: { actionlint: "github.com/rhysd/actionlint/cmd/actionlint" },
      takes: "half a minute",
    }),
    required("coredns", "github.com/coredns/coredns", { packages: { coredns: "." }, takes: "a minute or two" }),
    required("envoy-gateway", "github.com/envoyproxy/gateway", {
      packages: { "envoy-gateway": "github.com/envoyproxy/gateway/cmd/envoy-gateway" },
      takes: "three to six minutes on two cores",
    }),
    traefik(),
    otelcol(),
    required("prometheus", "github.com/prometheus/prometheus", {
      packages: {
        prometheus: "github.com/prometheus/prometheus/cmd/prometheus",
        promtool: "github.com/prometheus/prometheus/cmd/promtool",
      },
      // Of its service discoveries, each with a client of some cloud, the one for Kubernetes.
      tags: ["remove_all_sd", "enable_kubernetes_sd"],
      takes: "two to four minutes on two cores",
    }),
    required("prometheus-operator", prometheusOperator, {
      packages: {
        "prometheus-operator": `${prometheusOperator}/cmd/operator`,
        "prometheus-config-reloader": `${prometheusOperator}/cmd/prometheus-config-reloader`,
      },
      tags: ["remove_all_sd", "enable_kubernetes_sd"],
      takes: "two to four minutes on two cores",
    }),
    required("jaeger", "github.com/jaegertracing/jaeger", {
      packages: { jaeger: "github.com/jaegertracing/jaeger/cmd/all-in-one" },
      takes: "two to four minutes on two cores",
    }),
    keda(),
    required("metrics-server", "sigs.k8s.io/metrics-server", {
      packages: { "metrics-server": "sigs.k8s.io/metrics-server/cmd/metrics-server" },
      takes: "two or three minutes",
    }),
  ];
}

type Built = Pick<GoModule, "packages" | "takes" | "tags"> & { ldflags?: (version: string) => string };

/** A module of ours whose version is the one of the module that it is there for. */
function required(folder: string, module: string, { ldflags, ...built }: Built): GoModule {
  const version = requiredVersion(folder, module);
  return { folder, version, ldflags: ldflags?.(version) ?? "", ...built };
}

function kubernetes(): GoModule {
  const components = ["apiserver", "controller-manager", "scheduler", "proxy"].map((name) => `kube-${name}`);
  const commands = [...components, "kubelet", "kubectl"];
  return required("kubernetes", "k8s.io/kubernetes", {
    packages: Object.fromEntries(commands.map((name) => [name, `k8s.io/kubernetes/cmd/${name}`])),
    ldflags: versionFlags,
    takes: "five to ten minutes on two cores",
  });
}

function gitops(): GoModule {
  const built = required("gitops", "github.com/fluxcd/cli-utils", {
    packages: { "gitops-reading": "." },
    takes: "half a minute",
  });
  return withSource(built);
}

/** The collector, of whose version the parts that are in it are part. */
export function otelcol(): GoModule {
  const built = required("otelcol", "go.opentelemetry.io/collector/otelcol", {
    packages: { otelcol: "." },
    takes: "two to four minutes on two cores",
  });
  return withSource(built);
}

/** For a program whose source is ours and changes, not only what it requires. */
function withSource(built: GoModule): GoModule {
  const source = readFileSync(join(sources(built.folder), "main.go"));
  const hash = createHash("sha256").update(source).digest("hex").slice(0, 8);
  return { ...built, version: `${built.version}-${hash}` };
}

function keda(): GoModule {
  const module = "github.com/kedacore/keda/v2";
  const commands = { "keda-operator": "operator", "keda-adapter": "adapter", "keda-webhooks": "webhooks" };
  return required("keda", module, {
    packages: Object.fromEntries(Object.entries(commands).map(([name, folder]) => [name, `${module}/cmd/${folder}`])),
    ldflags: (version) => `-X ${module}/version.Version=${version}`,
    takes: "eight to fifteen minutes on two cores: it has a client of everything that one may scale by",
  });
}

function traefik(): GoModule {
  const module = "github.com/traefik/traefik/v3";
  return required("traefik", module, {
    packages: { traefik: `${module}/cmd/traefik` },
    ldflags: (version) => `-X ${module}/pkg/version.Version=${version}`,
    takes: "five to ten minutes on two cores: it has a client of every DNS provider in it",
  });
}

/** Without these, the API server reports a placeholder as its version. */
function versionFlags(version: string): string {
  const [major, minor] = version.split(".");
  const facts = { gitVersion: `v${version}`, gitMajor: major, gitMinor: minor, gitTreeState: "clean" };
  return Object.entries(facts)
    .map(([key, value]) => `-X k8s.io/component-base/version.${key}=${value}`)
    .join(" ");
}

/** The folder of one of our modules. */
export const sources = (folder: string) => join(import.meta.dirname, "binaries", folder);

/** The version of `module` that our module in `folder` requires, without the "v". */
function requiredVersion(folder: string, module: string): string {
  const goMod = readFileSync(join(sources(folder), "go.mod"), "utf8");
  const version = goMod.match(new RegExp(`(?:^|\\s)${module} v(\\S+)`))?.[1];
  if (!version) throw new Error(`binaries/${folder}/go.mod doesn't require ${module}`);
  return version;
}

/**
 * Where Go keeps the sources of `module`, in the version that our module in `folder` requires: charts and
 * CustomResourceDefinitions are read there. Downloaded when they aren't there, and checked against go.sum.
 */
export async function moduleSources(folder: string, module: string): Promise<string> {
  const env = { ...process.env, GOWORK: "off" };
  const { stdout } = await run("go", ["mod", "download", "-json", module], { cwd: sources(folder), env });
  return (JSON.parse(stdout) as { Dir: string }).Dir;
}
