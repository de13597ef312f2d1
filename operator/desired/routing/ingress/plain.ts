// One Ingress that any controller understands: all calls to the main pool.
import { mainPool } from "../../../api/pool.ts";
import { ownName } from "../../names.ts";
import type { Limitation, Routes } from "../routes.ts";
import type { Rule } from "../table.ts";
import type { Ask } from "./ask.ts";
import { cannotCount, cannotSetTime, cannotShare } from "./limitations.ts";
import { exactPath, ingressObject } from "./object.ts";

function cannotSet(ask: Ask, controller: string): Limitation[] {
  const message = `anypod knows no setting of ${controller} for this: use its annotations in routing.ingress.annotations, or another class.`;
  return [
    ...cannotSetTime(ask, "request", message),
    ...cannotSetTime(ask, "idle", message),
    ...cannotCount(ask, message),
    ...(ask.routing.cors ? [{ field: "routing.cors", message }] : []),
  ];
}

/** Whether all calls may go to these backends: otherwise the table tells them apart by their headers. */
const needsHeaders = (rules: Rule[], main: Rule) =>
  rules.some(({ path, to }) => path === main.path && to[0]?.service !== main.to[0]?.service);

/** @param controller the ingress controller, for messages */
export function plainRoutes(ask: Ask, controller: string): Routes {
  const { metadata, spec } = ask.server;
  const main = ask.rules.findLast(({ pool, path }) => pool === mainPool && path === spec.path);
  if (!main) return { objects: [], cannot: [], matchesHeaders: true };
  const paths = [main, ...ask.rules.filter(({ path }) => path !== spec.path)].flatMap(({ path, to: [backend] }) =>
    backend ? [exactPath(path, backend.service, backend.port)] : [],
  );
  return {
    objects: [ingressObject(ask, { name: ownName(metadata.name), pool: mainPool, paths })],
    cannot: [...cannotShare([main], controller, false), ...cannotSet(ask, controller)],
    matchesHeaders: !needsHeaders(ask.rules, main),
  };
}
