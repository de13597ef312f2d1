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

/** What the tier has kept of its cluster; null when its cluster has no audit log, undefined when it has kept nothing. */
function keptBy(tier: string, folder: string): Asked[] | null | undefined {
  const file = join(folder, `${tier}.json`);
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")) : undefined;
}

/**
 * Compares what the tiers have kept of their clusters with what the chart grants; what nobody used is only told when all
 * tiers have.
 * @param folder where they have kept it
 * @param ran the tiers that have run
 */
export function rightsPart(folder: string, ran: readonly string[]): Tally {
  const kept = new Map(tiersWithRights.map((tier) => [tier, keptBy(tier, folder)]));
  const lost = ran.filter((tier) => kept.has(tier) && kept.get(tier) === undefined);
  const asked = [...kept.values()].flatMap((each) => each ?? []);
  const { without, unused } = compare(asked, granted.filter(isSeen));
  const failed = [
    ...lost.map((tier) => `${tier} has not kept what operators asked for`),
    ...without.map((what) => `the operator asks for "${what}", and the chart doesn't grant it`),
  ];
  console.log(`${asked.length} kinds of requests of operators, ${without.length} of them without a right`);
  const unknown = [...kept].flatMap(([tier, each]) => (each ? [] : [tier]));
  if (unknown.length > 0) {
    console.log(`rights that nobody uses are not told: there is nothing to know of ${unknown.join(", ")}`);
    return { passed: failed.length === 0 ? 1 : 0, failed };
  }
  console.log(`${unused.length} rights that nobody has used`);
  failed.push(...unused.map((what) => `the chart grants "${what}", and the operator never asks for it`));
  return { passed: (without.length === 0 ? 1 : 0) + (unused.length === 0 ? 1 : 0), failed };
}
