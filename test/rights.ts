// `npm test`'s last part: over the whole run, operators have used exactly the rights that the chart grants.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { granted, type Right } from "../charts/generate/rights.ts";
import { type Asked, compare } from "./support/rights.ts";
import type { Tally } from "./support/tally.ts";

/** The tiers that run operators with these rights and no others. */
export const tiersWithRights = ["control-plane", "pods", "gateways"];

/** Rights that no request of the operator's own shows. */
const unseen: { right: Right; because: string }[] = [
  {
    right: { group: "anypod.dev", resource: "mcpservers/finalizers", verbs: ["update"] },
    because: "an admission plugin that some clusters have asks whether the operator had it, when it sets an owner",
  },
];

const isSeen = ({ group, resource }: Right) =>
  !unseen.some(({ right }) => right.group === group && right.resource === resource);

/**
 * Compares what the tiers have kept of their clusters with what the chart grants; what nobody used is only told when all
 * tiers have run.
 * @param folder where the tiers have kept it
 */
export function rightsPart(folder: string): Tally {
  const files = new Map(tiersWithRights.map((tier) => [tier, join(folder, `${tier}.json`)]));
  const missing = [...files].filter(([, file]) => !existsSync(file)).map(([tier]) => tier);
  const kept = [...files.values()].filter((file) => existsSync(file));
  const asked = kept.flatMap((file) => JSON.parse(readFileSync(file, "utf8")) as Asked[]);
  const { without, unused } = compare(asked, granted.filter(isSeen));
  const failed = without.map((what) => `the operator asks for "${what}", and the chart doesn't grant it`);
  console.log(`${asked.length} kinds of requests of operators, ${without.length} of them without a right`);
  if (missing.length > 0) {
    console.log(`rights that nobody uses are not told: there is nothing to know of ${missing.join(", ")}`);
    return { passed: failed.length === 0 ? 1 : 0, failed };
  }
  console.log(`${unused.length} rights that nobody has used`);
  failed.push(...unused.map((what) => `the chart grants "${what}", and the operator never asks for it`));
  return { passed: (without.length === 0 ? 1 : 0) + (unused.length === 0 ? 1 : 0), failed };
}
