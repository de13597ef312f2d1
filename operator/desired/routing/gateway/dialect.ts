// What a kind of gateway adds to the portable routes.
import type { McpServer } from "../../../api/mcpserver.ts";
import type { KubeObject } from "../../object.ts";
import type { Limitation } from "../routes.ts";
import type { Rule } from "../table.ts";
import type { RouteFilter } from "./http-route.ts";
import type { LimitedRule, Unit } from "./match.ts";

export interface Dialect {
  /** Whether header matches by regular expressions (RE2) are understood. */
  regex: boolean;
  /** The rules, with more of them where the gateway needs rules of their own for something. */
  rulesOf: (server: McpServer, rules: Rule[]) => LimitedRule[];
  filtersOf: (server: McpServer) => (rule: LimitedRule) => RouteFilter[];
  /** Annotations of a pool's HTTPRoutes, for what the gateway tells of calls. */
  annotationsOf?: (server: McpServer, pool: string) => Record<string, string>;
  /** Objects beside the HTTPRoutes. */
  objectsOf: (server: McpServer) => KubeObject[];
  /** What the server asks for in vain. */
  cannot: (server: McpServer, units: Unit[]) => Limitation[];
}
