import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

// The file installed as `pixelcal`; `npm test` builds it first.
const main = fileURLToPath(new URL("../dist/main.js", import.meta.url));

test("the built command line: exit codes and streams", () => {
  const pixelcal = (...args: string[]) => spawnSync(process.execPath, [main, ...args], { encoding: "utf8" });
  expect(pixelcal("--version")).toMatchObject({ status: 0, stdout: "0.1.0\n", stderr: "" });
  expect(pixelcal("train")).toMatchObject({ status: 2, stdout: "" });
  const failed = pixelcal("evaluate", "--predictions", "/no/such/folder");
  expect(failed).toMatchObject({ status: 1, stdout: "", stderr: "error: /no/such/folder: no such folder\n" });
});

test("a map as a key of a configuration is one error, without Node's warning", () => {
  const folder = mkdtempSync(join(tmpdir(), "pixelcal-main-"));
  try {
    const path = join(folder, "c.yaml");
    writeFileSync(path, "{ seed: 1 }: 2\nmethod: sdc\n");
    const { status, stderr } = spawnSync(process.execPath, [main, "train", "--config", path], {
      encoding: "utf8",
    });
    expect(status).toBe(2);
    expect(stderr).toContain("{ seed: 1 }: unknown key");
    expect(stderr).not.toContain("Warning");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
