// What the API server writes to its audit log: every write, so that a test can count an operator's writes; of reads only those
// of service accounts, as operators run as them, so that their rights can be told; no contents of Secrets, and none of the
// cluster's own heartbeats.
const secrets = [{ group: "", resources: ["secrets", "serviceaccounts/token"] }];
const reads = ["get", "list", "watch"];
const heartbeats = ["kube-node-lease", "kube-system"];

export const auditPolicy = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [
    { level: "Metadata", verbs: reads, userGroups: ["system:serviceaccounts"] },
    { level: "None", verbs: reads },
    { level: "None", namespaces: heartbeats, resources: [{ group: "coordination.k8s.io", resources: ["leases"] }] },
    { level: "Metadata", resources: secrets },
    { level: "Metadata", resources: [{ group: "authentication.k8s.io" }, { group: "authorization.k8s.io" }] },
    { level: "Request" },
  ],
};
