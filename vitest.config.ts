import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const source = (name: string, entry = ""): string =>
  fileURLToPath(new URL(`packages/${name}/src/${entry}index.ts`, import.meta.url));

export default defineConfig({
  resolve: {
    // Tests run the sources: a passing run never rests on a stale dist.
    alias: {
      "@pixelcal/graph/testing": source("graph", "testing/"),
      ...Object.fromEntries(
        ["core", "evaluate", "graph", "losses", "io", "phantom", "train", "cli"].map((name) => [
          `@pixelcal/${name}`,
          source(name),
        ]),
      ),
    },
  },
  test: {
    include: [
      "packages/*/src/**/*.test.ts",
      "benchmarks/**/*.test.ts",
      "docs/**/*.test.ts",
      "tools/lint/*.test.mjs",
    ],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
  },
});
