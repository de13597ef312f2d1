// A namespace with an operator at work, whose pods are played: all that is made of a server gets Ready.
import { inject } from "vitest";
import { startKubelet } from "../chaos/kubelet.ts";
import { type TestKube, testKube } from "../support/kube.ts";
import { startOperator } from "../support/operator.ts";

export interface PlayedPods {
  kube: TestKube;
  end(): Promise<void>;
}

export async function playedPods(): Promise<PlayedPods> {
  const kube = await testKube(inject("kubeconfig"));
  const operator = await startOperator(inject("operator").kubeconfig);
  const kubelet = startKubelet(kube.client, kube.namespace);
  return {
    kube,
    end: async () => {
      await operator.stop();
      await kubelet.stop();
    },
  };
}
