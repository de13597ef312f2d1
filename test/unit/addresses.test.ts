// Which servers want the same address.
import { expect, test } from "vitest";
import { addressesOf, meet } from "../../operator/reconcile/addresses.ts";
import { serverOf } from "../support/arbitraries.ts";
import type { RoutingInput } from "../support/routing/rendered.ts";

const server = (routing: RoutingInput) => serverOf("basket", { image: "basket", routing });
const at = (parentRef: { sectionName?: string; port?: number; name?: string }, hostname = "mcp.example.com") =>
  server({ hostnames: [hostname], gateway: { parentRefs: [{ name: "edge", ...parentRef }] } });

test.each([
  ["all listeners and all listeners", at({}), at({}), true],
  ["all listeners and one", at({}), at({ sectionName: "https" }), true],
  ["one listener and itself", at({ sectionName: "https" }), at({ sectionName: "https" }), true],
  ["two listeners", at({ sectionName: "http" }), at({ sectionName: "https" }), false],
  ["a listener by name and a port", at({ sectionName: "https" }), at({ port: 443 }), true],
  ["two ports", at({ port: 80 }), at({ port: 443 }), false],
  ["two Gateways", at({}), at({ name: "other" }), false],
  ["one IngressClass", server({ ingress: { className: "web" } }), server({ ingress: { className: "web" } }), true],
])("%s: %#", (_, one, other, expected) => {
  expect(meet(one, other)).toBe(expected);
  expect(meet(other, one)).toBe(expected);
});

test("an address is a door, a hostname and a path, whatever the listener", () => {
  expect(addressesOf(at({ sectionName: "https" }))).toEqual(addressesOf(at({ port: 443 })));
  expect(addressesOf(at({}, "mcp.example.com"))).not.toEqual(addressesOf(at({}, "api.example.com")));
});
