import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string): string => fileURLToPath(new URL(`packages/${name}/src/index.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run the sources: a passing run never rests on a stale dist.
    alias: Object.fromEntries(
      ["core", "graph", "losses", "io", "train", "cli"].map((name) => [`@pixelcal/${name}`, source(name)]),
    ),
  },
  test: {
    include: ["packages/*/src/**/*.test.ts", "benchmarks/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
