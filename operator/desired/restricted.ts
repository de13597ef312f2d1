// What the pod security standard `restricted` asks for, and more: a root file system that can't be written.

export const restrictedContainer = {
  allowPrivilegeEscalation: false,
  readOnlyRootFilesystem: true,
  capabilities: { drop: ["ALL"] },
};
