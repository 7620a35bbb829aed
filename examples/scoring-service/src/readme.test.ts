import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Running, serve } from "./serve.js";
import { readSettings } from "./settings.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const readme = readFileSync(join(root, "README.md"), "utf8");
const commands = [...readme.matchAll(/^curl .*$/gm)].map(([line]) => line);

let running: Running;
let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "pixelcal-readme-"));
  execFileSync(process.execPath, [join(root, "test", "sample.mjs"), join(folder, "sample")]);
  const model = join(folder, "sample", "model.onnx");
  running = await serve(readSettings(["--port", "0", "--classes", "4", "--model", model]));
});
afterAll(async () => {
  await running.close();
  rmSync(folder, { recursive: true });
});

const hasCurl = spawnSync("curl", ["--version"]).error === undefined;

describe.runIf(hasCurl)("the README's curl commands (where curl is installed)", () => {
  test("are all there", () => {
    expect(commands).toHaveLength(7);
  });

  test.each(commands)("%s", async (command) => {
    const line = command
      .replace("http://localhost:8080", running.url)
      .replace("curl", "curl --fail-with-body");
    const { status, stdout, stderr } = await shell(line);
    expect(stderr).toBe("");
    expect(status).toBe(0);
    if (command.includes("score")) expect(JSON.parse(stdout).scores).toHaveProperty("DSC");
    if (command.includes("/metrics")) expect(stdout).toContain("pixelcal_drift_alarm");
  });
});

test("every option is in the table, and every status", () => {
  const options = Object.keys(readSettings([])).map(
    (name) => `--${name === "bodyLimit" ? "body-limit" : name}`,
  );
  for (const option of options) expect(readme).toContain(`\`${option}\``);
  for (const status of [400, 413, 415, 422, 501, 503, 504]) expect(readme).toContain(`| ${status} |`);
});

/** Runs a line while this process serves: a synchronous call would wait for itself. */
function shell(line: string): Promise<{ status: number | null; stdout: string; stderr: string }> {
  const child = spawn("sh", ["-c", line], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  const output = { stdout: "", stderr: "" };
  child.stdout.on("data", (text) => (output.stdout += text));
  child.stderr.on("data", (text) => (output.stderr += text));
  return new Promise((resolve) => child.once("close", (status) => resolve({ status, ...output })));
}
