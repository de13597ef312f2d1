// What the part `rights` of `npm test` makes of an audit log.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import type { Right } from "../../charts/generate/rights.ts";
import { askedIn, compare } from "../support/rights.ts";

const rights: Right[] = [
  { group: "", resource: "services", verbs: ["list", "patch"] },
  { group: "shop.example.com", resource: "baskets/status", verbs: ["patch"] },
  { group: "coordination.k8s.io", resource: "leases", verbs: ["update"], names: ["anypod"] },
];
const everywhere = "system:serviceaccount:test:operator";

const folder = mkdtempSync(join(tmpdir(), "anypod-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** A line of the log. */
const request = (verb: string, objectRef: object, more: object = {}) => ({
  ...{ verb, objectRef, user: { username: everywhere }, userAgent: "anypod", responseStatus: { code: 200 } },
  ...more,
});
const listed = request("list", { resource: "services" });
const told = request("patch", { apiGroup: "shop.example.com", resource: "baskets", subresource: "status", name: "b" });
const patched = request("patch", { resource: "services", name: "b" });
const lease = (name: string) => request("update", { apiGroup: "coordination.k8s.io", resource: "leases", name });
const all = [listed, told, patched, lease("anypod")];

async function comparison(...lines: object[]) {
  const log = join(folder, "audit.log");
  writeFileSync(log, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return compare(await askedIn(log, everywhere, rights), rights);
}

test("rights that are all used, and no others, are as they should be", async () => {
  expect(await comparison(...all)).toEqual({ without: [], unused: [] });
});

describe("what is asked for without a right is named", () => {
  test.each([
    ["a verb", request("get", { resource: "services", name: "b" }), "get services"],
    ["a kind", request("list", { apiGroup: "shop.example.com", resource: "carts" }), "list carts.shop.example.com"],
    ["a subresource", request("list", { resource: "services", subresource: "proxy" }), "list services/proxy"],
    ["an object of another name", lease("other"), 'update leases.coordination.k8s.io "other"'],
    ["a create that the log calls patch", { ...patched, responseStatus: { code: 201 } }, "create services"],
    [
      "a create that is refused",
      { ...patched, responseStatus: { code: 403, message: "User cannot create resource" } },
      "create services",
    ],
  ])("%s", async (_, line, name) => {
    const { without } = await comparison(...all, line);
    expect(without).toContain(name);
  });

  test("what the table has and the API server refuses", async () => {
    const responseStatus = { code: 403, message: 'services is forbidden: User "x" cannot list resource "services"' };
    expect(await comparison(...all, { ...listed, responseStatus })).toEqual({ without: ["list services"], unused: [] });
  });
});

test("a namespace that goes away, and an account that has fewer rights, are no missing right", async () => {
  const leaving = { code: 403, message: "forbidden: unable to create new content in namespace a" };
  const other = { user: { username: "system:serviceaccount:test:other" } };
  const responseStatus = { code: 403, message: 'User "other" cannot list resource "services"' };
  const lines = [
    { ...patched, responseStatus: leaving },
    { ...listed, ...other, responseStatus },
  ];
  expect(await comparison(...all, ...lines)).toEqual({ without: [], unused: [] });
});

test("a right that nobody uses is named, whatever others than operators do", async () => {
  const administrators = { ...listed, user: { username: "admin" } };
  const gateways = { ...listed, userAgent: "envoy-gateway" };
  const nobody = { ...listed, user: {} };
  const { unused } = await comparison(told, patched, administrators, gateways, nobody);
  expect(unused).toEqual(["list services", 'update leases.coordination.k8s.io "anypod"']);
});
