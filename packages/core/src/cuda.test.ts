import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "vitest";
import { devices } from "./device.js";

// Imports the tests that need a GPU and an addon built with CUDA. `npm run test:emulated-addon` in native
// runs them on an emulated device.
if (devices().includes("cuda")) {
  for (const name of readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }))
    if (name.endsWith(".cuda.test.ts")) await import(join(import.meta.dirname, name));
} else {
  test.skip("cuda is missing (no NVIDIA GPU, or an addon without CUDA): every *.cuda.test.ts", () =>
    undefined);
}
