// Every package is loaded by require() as well: Node does that with ES modules that nowhere await at their
// top level, which no other check would notice.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const packages = readdirSync(join(root, "packages")).filter((name) => name !== "cli");

/** Runs a CommonJS program beside the packages that the cli depends on: all of them. */
const commonJs = (program) =>
  spawnSync(process.execPath, ["-e", program], { cwd: join(root, "packages", "cli"), encoding: "utf8" });

test.each(packages)("require() loads @pixelcal/%s", (name) => {
  const path = JSON.stringify(join(root, "packages", name, "dist", "index.js"));
  const program = `
    const loaded = require(${path});
    const imported = import(${path}).then((module) => {
      if (Object.keys(loaded).some((key) => loaded[key] !== module[key])) throw new Error("two copies");
      console.log(Object.keys(loaded).length > 0 ? "loaded" : "empty");
    });`;
  expect(commonJs(program)).toMatchObject({ status: 0, stdout: "loaded\n" });
});

test("require() loads @pixelcal/core by its name, and its kernels run", () => {
  const program = `
    const { argMaxSync, tensor } = require("@pixelcal/core");
    console.log(argMaxSync(tensor("float32", Float32Array.of(0.25, 0.75), [1, 2, 1])).data[0]);`;
  expect(commonJs(program)).toMatchObject({ status: 0, stdout: "1\n" });
});

test("a module that awaits at its top level is refused", () => {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-await-"));
  try {
    writeFileSync(join(folder, "module.mjs"), "export const value = await 1;\n");
    const { status, stderr } = commonJs(`require(${JSON.stringify(join(folder, "module.mjs"))})`);
    expect(status).toBe(1);
    expect(stderr).toContain("ERR_REQUIRE_ASYNC_MODULE");
  } finally {
    rmSync(folder, { recursive: true });
  }
});
