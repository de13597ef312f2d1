// The tiers of tests, from the quickest to the slowest. `npm test` runs them in this order; `npx vitest --project unit` one.
import { defineConfig } from "vitest/config";

/** Tiers with a cluster of their own: files one at a time, as they share it. */
const onCluster = { fileParallelism: false, testTimeout: 120_000 };

export default defineConfig({
  test: {
    // The teardown of a cluster's nodes.
    teardownTimeout: 120_000,
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 120_000, hookTimeout: 60_000 } },
      { test: { name: "golden", include: ["test/golden/*.test.ts"], testTimeout: 30_000 } },
      { test: { name: "stores", include: ["test/stores/*.test.ts"], testTimeout: 60_000, hookTimeout: 300_000 } },
      {
        test: {
          name: "charts",
          include: ["test/charts/*.test.ts"],
          globalSetup: "test/charts/setup.ts",
          testTimeout: 60_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          name: "gitops",
          include: ["test/gitops/*.test.ts"],
          globalSetup: "test/gitops/setup.ts",
          testTimeout: 60_000,
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          ...onCluster,
          name: "control-plane",
          include: ["test/control-plane/*.test.ts"],
          globalSetup: "test/control-plane/setup.ts",
          hookTimeout: 120_000,
        },
      },
      { test: { name: "chaos", include: ["test/chaos/*.test.ts"], hookTimeout: 120_000 } },
      {
        test: {
          ...onCluster,
          name: "pods",
          include: ["test/pods/*.test.ts"],
          globalSetup: "test/pods/setup.ts",
          hookTimeout: 600_000,
        },
      },
      {
        test: {
          ...onCluster,
          name: "gateways",
          include: ["test/gateways/*.test.ts"],
          globalSetup: "test/gateways/setup.ts",
          hookTimeout: 600_000,
        },
      },
    ],
  },
});
