// What a server's collector has in common, whoever runs it.
import { roleName } from "../names.ts";

export const collectorRole = "collector";
export const collectorName = (server: string) => roleName(server, collectorRole);
/** Its first container, which checks the configuration. */
export const validator = "validate";

export const collectorRollout = { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } };

/** Parts of its pods. */
export const collectorPod = {
  securityContext: {
    runAsNonRoot: true,
    runAsUser: 10001,
    runAsGroup: 10001,
    seccompProfile: { type: "RuntimeDefault" },
  },
  readinessProbe: { periodSeconds: 2 },
  livenessProbe: { periodSeconds: 20, failureThreshold: 6 },
  // What pods send while endpoints are being updated is still taken.
  lifecycle: { preStop: { sleep: { seconds: 5 } } },
};
