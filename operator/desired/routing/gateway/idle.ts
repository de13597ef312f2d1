// HTTPRoutes that take no call. Gateways learn of a route and of its backends apart: Envoy answers 503 when it knows the one
// without the other. So a pool's route is there before its first call and after its last, without a match for any.
import type { KubeObject } from "../../object.ts";
import { methodHeader } from "../table.ts";
import type { RouteMatch } from "./match.ts";

const annotation = "anypod.dev/takes-calls";

export const isIdle = (annotations: Record<string, string> = {}): boolean => annotations[annotation] === "false";

/** MCP has no such method. */
const matches = [
  {
    path: { type: "Exact", value: "/" },
    headers: [{ type: "Exact", name: methodHeader, value: "anypod.dev/none" }],
  },
] satisfies RouteMatch[];

/** The route with all its backends, and no call for them. Each rule keeps its place. */
export function idle(route: KubeObject): KubeObject {
  const { rules = [], ...spec } = route.spec as { rules?: object[] };
  return {
    ...route,
    metadata: { ...route.metadata, annotations: { ...route.metadata.annotations, [annotation]: "false" } },
    spec: { ...spec, rules: rules.map((rule) => ({ ...rule, matches })) },
  };
}
