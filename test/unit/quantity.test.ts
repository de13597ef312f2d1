import { expect, test } from "vitest";
import { bytesOf } from "../../operator/api/quantity.ts";

test.each<[string | number, number | undefined]>([
  ["256Mi", 268_435_456],
  ["1Gi", 1_073_741_824],
  ["1.5Gi", 1_610_612_736],
  ["2Ti", 2_199_023_255_552],
  ["500M", 500_000_000],
  ["64k", 64_000],
  ["64Ki", 65_536],
  ["1000000", 1_000_000],
  [1_000_000, 1_000_000],
  ["0.1Ki", 102],
  ["1X", undefined],
  ["-1Gi", undefined],
  ["", undefined],
  ["1.2.3", undefined],
])("%s is %s bytes", (quantity, bytes) => {
  expect(bytesOf(quantity)).toBe(bytes);
});

// The API server takes these of a memory limit, too: https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
test.each<[string | number, number]>([
  ["2e9", 2_000_000_000],
  ["1E9", 1_000_000_000],
  ["1.5e3", 1500],
  [2e21, 2e21],
  ["1P", 1e15],
  ["1Pi", 2 ** 50],
  ["1E", 1e18],
  ["1Ei", 2 ** 60],
  ["128974848000m", 128_974_848],
])("%s is %s bytes, however odd it looks", (quantity, bytes) => {
  expect(bytesOf(quantity)).toBe(bytes);
});
