import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { configDefaults, defineConfig } from "vitest/config";

const source = (name: string, entry = ""): string =>
  fileURLToPath(new URL(`packages/${name}/src/${entry}index.ts`, import.meta.url));

// Files that need a device: `webgpu.test.ts` imports every `*.webgpu.test.ts` if there is such a device, and
// is one skipped test if there is none.
const entry = (device: string): string => `packages/*/src/**/${device}.test.ts`;
const suites = (device: string): string => `packages/*/src/**/*.${device}.test.ts`;
const devices = ["webgpu", "cuda"];

export default defineConfig({
  resolve: {
    // Tests run the sources: a passing run never rests on a stale dist.
    alias: {
      "@pixelcal/distributed/testing": source("distributed", "testing/"),
      "@pixelcal/graph/testing": source("graph", "testing/"),
      ...Object.fromEntries(
        readdirSync(new URL("packages", import.meta.url)).map((name) => [`@pixelcal/${name}`, source(name)]),
      ),
    },
  },
  test: {
    pool: "forks",
    maxWorkers: 2,
    // Ends tests that hang. Those of a busy machine take several times as long as usual.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    globalSetup: fileURLToPath(new URL("tools/built.mjs", import.meta.url)),
    projects: [
      {
        extends: true,
        test: {
          name: "cpu",
          include: [
            "packages/*/src/**/*.test.ts",
            "benchmarks/**/*.test.ts",
            "docs/**/*.test.ts",
            "examples/*/src/**/*.test.ts",
            "tools/{gpu,lint,release}/*.test.mjs",
            "native/test/*.test.mjs",
          ],
          exclude: [...configDefaults.exclude, ...devices.flatMap((name) => [entry(name), suites(name)])],
        },
      },
      ...devices.map((name) => ({ extends: true as const, test: { name, include: [entry(name)] } })),
    ],
  },
});
