import { defineConfig } from "vitest/config";

export default defineConfig({
  // Native addons belong into processes, not threads; the tests start services, which takes seconds.
  test: { include: ["src/**/*.test.ts"], pool: "forks", maxWorkers: 2, testTimeout: 60_000 },
});
