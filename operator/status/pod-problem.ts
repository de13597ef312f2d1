// What to do about a pod that doesn't come up, by the reason that the kubelet or the scheduler gives.

export const hints: Record<string, string> = {
  ErrImagePull: "check spec.image and spec.imagePullSecrets",
  ImagePullBackOff: "check spec.image and spec.imagePullSecrets",
  ErrImageNeverPull: "the image isn't on the node and spec.imagePullPolicy is Never",
  InvalidImageName: "correct spec.image",
  CrashLoopBackOff: "see why it ends",
  CreateContainerConfigError: "correct what the message names",
  CreateContainerError: "correct what the message names",
  RunContainerError: "check spec.command and spec.args",
  Unschedulable: "make room on the nodes, or lower spec.resources.requests",
};
