// What `anypod diff` shows of two states of an object, and that its client writes nothing.
import { describe, expect, test } from "vitest";
import { dryRunClient } from "../../operator/diff/dry-run.ts";
import { clientSidePatch } from "../../operator/diff/server.ts";
import { show } from "../../operator/diff/show.ts";
import type { ApiRequest, Client } from "../../operator/kube/client.ts";
import type { ApiObject } from "../../operator/kube/resource.ts";

const object = (fields: object = {}, metadata: object = {}, type = { apiVersion: "apps/v1", kind: "Deployment" }) =>
  ({ ...type, metadata: { name: "basket", namespace: "shop", ...metadata }, ...fields }) as unknown as ApiObject;
const secret = (data?: object) => object({ data }, {}, { apiVersion: "v1", kind: "Secret" });

describe("a diff", () => {
  test("names the object and shows what differs", () => {
    const diff = show({ before: object({ spec: { port: 1 } }), after: object({ spec: { port: 2 } }) });
    expect(diff).toBe(
      [
        "--- live/shop/Deployment.apps/basket",
        "+++ applied/shop/Deployment.apps/basket",
        "@@ -4,4 +4,4 @@",
        "   name: basket",
        "   namespace: shop",
        " spec:",
        "-  port: 1",
        "+  port: 2",
        "",
      ].join("\n"),
    );
  });

  test("of an object that is created or pruned has all of it on one side", () => {
    expect(show({ before: undefined, after: object() })).toMatch(
      /^--- \/dev\/null\n\+\+\+ applied\/shop.*\n@@.*\n(\+.*\n)+$/,
    );
    expect(show({ before: object(), after: undefined })).toMatch(
      /^--- live\/shop.*\n\+\+\+ \/dev\/null\n@@.*\n(-.*\n)+$/,
    );
  });

  test("is empty when only the API server's and anypod's bookkeeping differs", () => {
    const metadata = (at: string) => ({
      ...{ uid: at, resourceVersion: at, generation: Number(at), creationTimestamp: at, managedFields: [at] },
      annotations: { "anypod.dev/desired-hash": at, "kubectl.kubernetes.io/last-applied-configuration": at },
      ownerReferences: [{ kind: "McpServer", uid: at }],
    });
    const [before, after] = ["1", "2"].map((at) => object({ status: { replicas: at } }, metadata(at)));
    expect(show({ before, after })).toBe("");
  });

  test("of a new object is the same at each try", () => {
    const drawn = (at: string) => {
      const annotations = { "anypod.dev/ring-hash": at, "anypod.dev/config-hash": at, "anypod.dev/rotated-at": at };
      return show({ before: undefined, after: object({ spec: { clusterIP: at, clusterIPs: [at] } }, { annotations }) });
    };
    expect(drawn("1")).toBe(drawn("2"));
  });

  test("never shows a Secret's values, only which of them change", () => {
    const [before, after] = [
      secret({ same: "c2FtZQ==", key: "b2xk", gone: "Z29uZQ==" }),
      secret({ same: "c2FtZQ==", key: "bmV3", fresh: "ZnJlc2g=" }),
    ];
    const shown = [show({ before, after }), show({ before: undefined, after }), show({ before, after: undefined })];
    for (const value of ["c2FtZQ==", "b2xk", "bmV3", "Z29uZQ==", "ZnJlc2g="]) expect(shown.join()).not.toContain(value);
    expect(shown[0]).toMatch(/^-.*key: '?\*\*\* \(before\)'?\n(.*\n)*\+.*key: '?\*\*\* \(after\)'?$/m);
    expect(shown[0]).toMatch(/^-.*gone: '?\*\*\*'?$/m);
    expect(shown[0]).toMatch(/^\+.*fresh: '?\*\*\*'?$/m);
    expect(show({ before, after: before })).toBe("");
  });
});

test("a client-side apply drops what it wrote before and doesn't any more, and leaves what others wrote", () => {
  const patch = clientSidePatch(
    { spec: { port: 1, env: [{ name: "A" }], disruption: { a: 1, b: 2 } } },
    { spec: { image: "x", env: [], disruption: { a: 1 } } },
  );
  expect(patch).toEqual({ spec: { port: null, image: "x", env: [], disruption: { a: 1, b: null } } });
});

describe("the client of a diff", () => {
  const sent: ApiRequest[] = [];
  const client = dryRunClient({
    json: async (request: ApiRequest) => void sent.push(request),
  } as unknown as Client);

  test.each(["POST", "PUT", "PATCH"] as const)(
    "asks for a dry run with %s, whatever else it asks for",
    async (method) => {
      await client.json({ method, path: "/x", query: { force: true } });
      expect(sent.at(-1)?.query).toEqual({ force: true, dryRun: "All" });
    },
  );

  test("asks for a dry run of a deletion in its body, where alone it counts", async () => {
    await client.json({ method: "DELETE", path: "/x", body: { preconditions: { uid: "1" } } });
    expect(sent.at(-1)?.body).toEqual({ preconditions: { uid: "1" }, dryRun: ["All"] });
  });

  test("reads as ever", async () => {
    await client.json({ path: "/x" });
    expect(sent.at(-1)).toEqual({ path: "/x" });
  });
});
