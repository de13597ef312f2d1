// How a server's status is written.
import { expect, test } from "vitest";
import type { ApiRequest, Client } from "../../operator/kube/client.ts";
import { ApiError } from "../../operator/kube/errors.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";
import { observeServer } from "../../operator/reconcile/observed.ts";
import { createReport } from "../../operator/reconcile/report.ts";

const observed = observeServer({
  apiVersion: "anypod.dev/v1alpha1",
  kind: "McpServer",
  metadata: { name: "basket", namespace: "shop", uid: "uid", resourceVersion: "7" },
  spec: { image: "basket" },
} as unknown as ApiObject);

const reportWith = (json: (request: ApiRequest) => Promise<unknown>) =>
  createReport({
    client: { json } as unknown as Client,
    caches: { written: () => {} },
    record: () => {},
    now: () => 0,
    settled: () => {},
  });

test("a status replaces the one that it follows from, and no later one", async () => {
  const bodies: unknown[] = [];
  const report = reportWith(async ({ body }) => bodies.push(body));
  await report(observed, { observedGeneration: 1 });
  expect(bodies).toMatchObject([{ metadata: { uid: "uid", resourceVersion: "7" } }]);
});

test("where a later one stands, the pass is tried again, with what it says", async () => {
  const later = new ApiError(409, { reason: "Conflict" });
  await expect(reportWith(() => Promise.reject(later))(observed, { observedGeneration: 1 })).rejects.toBe(later);
});

test("a server that is gone is owed no status", async () => {
  const gone = new ApiError(404, { reason: "NotFound" });
  expect(await reportWith(() => Promise.reject(gone))(observed, { observedGeneration: 1 })).toBeUndefined();
});
