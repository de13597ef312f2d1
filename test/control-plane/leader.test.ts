// Several operators on one cluster: one writes, another takes over.
import { afterEach, beforeEach, expect, inject, test } from "vitest";
import { election } from "../../charts/generate/rights.ts";
import { letInto } from "../support/account.ts";
import { type TestKube, testKube } from "../support/kube.ts";
import { type RunningOperator, startOperator } from "../support/operator.ts";
import { eventually } from "../support/wait.ts";

const image = "registry.example.com/basket-mcp:1.4.0";
const account = inject("operator");
let kube: TestKube;
let operators: RunningOperator[] = [];

// A namespace of its own for each test, and so a Lease of its own.
beforeEach(async () => {
  kube = await testKube(inject("kubeconfig"));
  await letInto(kube, account, election);
});
afterEach(async () => {
  await Promise.all(operators.map((operator) => operator.stop("SIGKILL")));
  operators = [];
});

const start = async () => {
  const operator = await startOperator(
    account.kubeconfig,
    "--leader-elect",
    "--leader-elect-namespace",
    kube.namespace,
  );
  operators.push(operator);
  return operator;
};
const leads = (operator: RunningOperator, seconds?: number) =>
  eventually("it leads", () => operator.log().includes('"leading"'), seconds);

test("only one leads, and the other takes over at once when it is told to stop", async () => {
  const first = await start();
  await leads(first);
  const second = await start();
  await kube.applyServer("a", { image });
  await eventually("the leader works", () => kube.get("Deployment", "a"));
  expect(second.log()).not.toContain('"leading"');
  const began = Date.now();
  await first.stop("SIGTERM");
  await leads(second, 5);
  expect(Date.now() - began).toBeLessThan(4000);
  await kube.applyServer("b", { image });
  await eventually("the new leader works", () => kube.get("Deployment", "b"));
});

test("the other takes over when the leader is killed, not before its lease has ended", async () => {
  const first = await start();
  await leads(first);
  const second = await start();
  const began = Date.now();
  await first.stop("SIGKILL");
  await leads(second, 25);
  const took = (Date.now() - began) / 1000;
  expect(took).toBeGreaterThan(10);
  expect(took).toBeLessThan(20);
});

test("a leader that was frozen past its lease ends without a write", async () => {
  const first = await start();
  await leads(first);
  const second = await start();
  first.process.kill("SIGSTOP");
  await kube.applyServer("frozen", { image });
  await leads(second, 25);
  await eventually("the new leader works", () => kube.get("Deployment", "frozen"));
  first.process.kill("SIGCONT");
  await eventually("the old leader has ended", () => first.process.exitCode !== null);
  expect(first.log()).toContain("the lease could not be renewed in time");
  expect(first.process.exitCode).toBe(1);
});
