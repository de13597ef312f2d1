// The pod security standard `restricted`, as far as a pod template can break it.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/

interface SecurityContext {
  privileged?: boolean;
  allowPrivilegeEscalation?: boolean;
  runAsNonRoot?: boolean;
  runAsUser?: number;
  seccompProfile?: { type: string };
  capabilities?: { drop?: string[]; add?: string[] };
  procMount?: string;
}
interface Container {
  name: string;
  securityContext?: SecurityContext;
  ports?: { hostPort?: number }[];
}
export interface PodSpec {
  hostNetwork?: boolean;
  hostPID?: boolean;
  hostIPC?: boolean;
  securityContext?: SecurityContext;
  containers: Container[];
  initContainers?: Container[];
  volumes?: Record<string, unknown>[];
}

const volumeSources = [
  "configMap",
  "csi",
  "downwardAPI",
  "emptyDir",
  "ephemeral",
  "persistentVolumeClaim",
  "projected",
  "secret",
];

function containerProblems({ name, securityContext: own = {}, ports = [] }: Container, pod: SecurityContext): string[] {
  const { capabilities = {} } = own;
  const seccomp = (own.seccompProfile ?? pod.seccompProfile)?.type ?? "";
  const rules: [string, boolean][] = [
    ["privileged", !own.privileged],
    ["allowPrivilegeEscalation", own.allowPrivilegeEscalation === false],
    ["runAsNonRoot", (own.runAsNonRoot ?? pod.runAsNonRoot) === true],
    ["runAsUser", (own.runAsUser ?? pod.runAsUser) !== 0],
    ["seccompProfile", ["RuntimeDefault", "Localhost"].includes(seccomp)],
    ["capabilities.drop", capabilities.drop?.includes("ALL") ?? false],
    ["capabilities.add", (capabilities.add ?? []).every((each) => each === "NET_BIND_SERVICE")],
    ["procMount", (own.procMount ?? "Default") === "Default"],
    ["hostPort", ports.every(({ hostPort = 0 }) => hostPort === 0)],
  ];
  return rules.filter(([, holds]) => !holds).map(([rule]) => `${name}: ${rule}`);
}

/** What of the pod `restricted` refuses, `container: field` each. */
export function restrictedProblems(spec: PodSpec): string[] {
  const host = (["hostNetwork", "hostPID", "hostIPC"] as const).filter((field) => spec[field]);
  const volumes = (spec.volumes ?? []).flatMap(({ name, ...source }) =>
    Object.keys(source).every((type) => volumeSources.includes(type)) ? [] : [`volume ${name}`],
  );
  const containers = [...(spec.initContainers ?? []), ...spec.containers];
  return [...host, ...volumes, ...containers.flatMap((each) => containerProblems(each, spec.securityContext ?? {}))];
}
