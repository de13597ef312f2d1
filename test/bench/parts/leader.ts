// Two operators, one leads: it is killed, or told to end. When does the other one write?
import { setTimeout as delay } from "node:timers/promises";
import { isChildWrite } from "../audit.ts";
import type { Bench } from "../bench.ts";
import { hasFlag, type MeasuredOperator } from "../operator.ts";
import { short } from "../report.ts";
import { changeSpec, serverNames } from "../servers.ts";
import { readyServers } from "./change.ts";

const namespace = "leader";
const leaderFlags = ["--leader-elect", "--leader-elect-namespace", namespace];
const timeout = 60_000;

interface Lease {
  spec: { holderIdentity?: string; leaseDurationSeconds?: number; renewTime?: string };
}
const leaseOf = ({ user }: Bench) =>
  user.json<Lease>({ path: `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases/anypod` });

/** Ends the leader, then changes specs until something is written for one: seconds from the end to that write. */
async function takeover(bench: Bench, leader: MeasuredOperator, signal: NodeJS.Signals): Promise<number> {
  const read = bench.operatorRequests();
  const ended = Date.now();
  const stopped = leader.stop(signal);
  for (let round = 0; Date.now() - ended < timeout; round++) {
    await changeSpec(bench.user, { namespace, name: "server-0" }, { port: 8100 + (round % 100) });
    await delay(100);
    // What the leader still wrote while it ended is not the other's; it is gone by now.
    const first = read().find((event) => isChildWrite(event) && event.received > ended && signal === "SIGKILL");
    if (first) return finish(stopped, (first.received - ended) / 1000);
    if (signal !== "SIGKILL") break;
  }
  await stopped;
  return afterHandOver(bench, { read, ended });
}

async function finish(stopped: Promise<void>, seconds: number): Promise<number> {
  await stopped;
  return seconds;
}

/** The first write after the leader's process is gone. */
async function afterHandOver(
  bench: Bench,
  { read, ended }: { read: ReturnType<Bench["operatorRequests"]>; ended: number },
): Promise<number> {
  const gone = Date.now();
  for (let round = 0; Date.now() - ended < timeout; round++) {
    await changeSpec(bench.user, { namespace, name: "server-1" }, { port: 8100 + (round % 100) });
    await delay(20);
    const first = read().find((event) => isChildWrite(event) && event.received > gone);
    if (first) return (first.received - ended) / 1000;
  }
  throw new Error(`nobody wrote for ${timeout / 1000} s after the leader had ended`);
}

export async function run(bench: Bench): Promise<void> {
  if (!(await hasFlag(bench.program, "--leader-elect"))) {
    const where = ["this operator has no --leader-elect"];
    bench.record({ part: "leader", measure: "leader killed: the other's first write", unit: "s", bar: 17, where });
    bench.record({ part: "leader", measure: "leader ended: the other's first write", unit: "s", bar: 2, where });
    return;
  }
  await bench.inNamespace(namespace, async () => {
    const first = await bench.startOperator({ flags: leaderFlags });
    await readyServers(bench, namespace, serverNames(3));
    const second = await bench.startOperator({ flags: leaderFlags });
    const { spec } = await leaseOf(bench);
    const age = spec.renewTime ? (Date.now() - Date.parse(spec.renewTime)) / 1000 : Number.NaN;
    bench.record({
      part: "leader",
      measure: "leader killed: the other's first write",
      unit: "s",
      value: await takeover(bench, first, "SIGKILL"),
      bar: 17,
      where: [`the Lease lasts ${spec.leaseDurationSeconds ?? "?"} s, and was renewed ${short(age)} s before`],
    });
    await bench.settled();
    const third = await bench.startOperator({ flags: leaderFlags });
    await delay(3000);
    bench.record({
      part: "leader",
      measure: "leader ended (SIGTERM): the other's first write",
      unit: "s",
      value: await takeover(bench, second, "SIGTERM"),
      bar: 2,
    });
    await third.stop();
  });
}
