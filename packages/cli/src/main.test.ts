import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// What is installed as `pixelcal`; `npm test` builds it first.
const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

test.skipIf(!existsSync(main))("the built command line: exit codes and streams", () => {
  const pixelcal = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  expect(pixelcal("--version")).toMatchObject({ status: 0, stdout: "0.1.0\n", stderr: "" });
  expect(pixelcal("train")).toMatchObject({ status: 2, stdout: "" });
  const failed = pixelcal("evaluate", "--predictions", "/no/such/folder");
  expect(failed).toMatchObject({ status: 1, stdout: "", stderr: "error: /no/such/folder: no such folder\n" });
});
