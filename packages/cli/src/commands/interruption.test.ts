import { type ChildProcess, spawn } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

toyData();

// The child processes run the built package, as `npm test` leaves it.
const main = fileURLToPath(new URL("../../dist/main.js", import.meta.url));

interface Ended {
  readonly code: number | null;
  readonly messages: string;
}

/** Runs `pixelcal ARGS` in a process of its own; `watch` sees all messages so far. */
function child(
  args: readonly string[],
  watch?: (messages: string, child: ChildProcess) => void,
): Promise<Ended> {
  const process_ = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  let messages = "";
  process_.stderr!.on("data", (text: Buffer) => {
    messages += text;
    watch?.(messages, process_);
  });
  process_.stdout!.resume();
  return new Promise((resolve) => process_.once("close", (code) => resolve({ code, messages })));
}

describe("a training", () => {
  test.each(["SIGTERM", "SIGHUP", "SIGINT"] as const)(
    "stops after its step at %s, and resumes",
    async (signal) => {
      const path = await writeConfig(`${signal}.yaml`, { run_name: signal, epochs: 40 });
      const args = ["train", "--config", path, "--out", at("signals")];
      let sent = false;
      const stopped = await child(args, (messages, running) => {
        if (!sent && messages.includes("epoch  2/40")) sent = running.kill(signal);
      });
      expect(stopped.messages).toContain("--resume continues from there");
      expect(stopped.code).toBe(130);
      const names = [
        "best.safetensors",
        "config.json",
        "curves.png",
        "curves.svg",
        "last.safetensors",
        "log.csv",
        "previous.safetensors",
      ];
      expect(await readdir(at("signals", signal))).toEqual(names);
      const resumed = await pixelcal([...args, "--resume", "--epochs", "3"]);
      expect(resumed.code).toBe(0);
    },
  );

  test("of a run that another process trains is refused, and the other goes on", async () => {
    const path = await writeConfig("twice.yaml", { run_name: "twice", epochs: 40 });
    const args = ["train", "--config", path, "--out", at("twice")];
    let second: Promise<{ code: number; messages: string }> | undefined;
    const first = await child(args, (messages, running) => {
      if (!messages.includes("epoch  1/40")) return;
      second ??= pixelcal([...args, "--overwrite"]).finally(() => running.kill("SIGTERM"));
    });
    const { code, messages } = await second!;
    expect(code).toBe(1);
    expect(messages).toMatch(/error: .*twice: is in use by process \d+, locked for less than a minute; wait/);
    expect(first.messages).toMatch(/last\.safetensors holds epoch \d+/);
    expect(await readdir(at("twice", "twice"))).not.toContain(".pixelcal.lock");
  });

  test("killed at once leaves a run that the next takes over", async () => {
    const path = await writeConfig("killed.yaml", { run_name: "killed", epochs: 40 });
    const args = ["train", "--config", path, "--out", at("killed")];
    await child(args, (messages, running) => {
      if (messages.includes("epoch  2/40")) running.kill("SIGKILL");
    });
    expect(await readdir(at("killed", "killed"))).toContain(".pixelcal.lock");
    await writeFile(at("killed", "killed", ".last.safetensors.999999999.3.tmp"), "half");
    const resumed = await pixelcal([...args, "--resume", "--epochs", "3"]);
    expect(resumed.code).toBe(0);
    expect((await readdir(at("killed", "killed"))).filter((name) => name.startsWith("."))).toEqual([]);
  });
});

test("a damaged checkpoint names one that is intact, and the command that uses it", async () => {
  const path = await writeConfig("damaged.yaml", { run_name: "damaged" });
  const args = ["train", "--config", path, "--out", at("runs")];
  expect((await pixelcal(args)).code).toBe(0);
  const at_ = (name: string): string => at("runs", "damaged", name);
  const damage = async (name: string): Promise<void> => {
    const bytes = await readFile(at_(name));
    bytes[200]! ^= 1;
    await writeFile(at_(name), bytes);
  };
  await damage("last.safetensors");
  await damage("best.safetensors");
  const refused = await pixelcal([...args, "--resume"]);
  expect(refused.code).toBe(1);
  expect(refused.messages).toContain(`error: ${at_("last.safetensors")}: is damaged`);
  expect(refused.messages).toContain(`; continue with --resume ${at_("previous.safetensors")}\n`);
  const inferred = await pixelcal(["infer", "--config", path, "--runs", at("runs"), "--out", at("preds")]);
  expect(inferred.messages).toContain(`--checkpoint ${at_("previous.safetensors")} predicts with it\n`);
  expect((await pixelcal([...args, "--resume", at_("previous.safetensors")])).code).toBe(0);
  expect((await pixelcal([...args, "--resume"])).code).toBe(0);
  const missing = await pixelcal([...args, "--resume", at_("none")]);
  expect(missing.messages).toContain("--resume: ");
  expect(missing.code).toBe(1);
});

// Results that nobody reads are no failure and do not change the exit code.
test.skipIf(process.platform === "win32")("a closed pipe ends quietly (not on Windows)", async () => {
  const path = await writeConfig("pipe.yaml", { run_name: "pipe", epochs: 1 });
  expect((await pixelcal(["train", "--config", path, "--out", at("pipe")])).code).toBe(0);
  const model = at("pipe", "pipe", "model.onnx");
  const commands: [string[], number][] = [
    [["check", model], 0],
    [["--help"], 0],
    [["check", at("none.onnx")], 1],
    [["evaluate", "--help"], 0],
    [["phantom", "--out", at("more"), "--cases", "8", "--size", "24x24"], 0],
    [["infer", "--model", model, "--data", data, "--out", at("piped")], 0],
  ];
  for (const [args, expected] of commands) {
    for (const closed of ["stdout", "stderr"] as const) {
      const running = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
      running[closed].destroy();
      let seen = "";
      const other = closed === "stdout" ? running.stderr : running.stdout;
      other.on("data", (text: Buffer) => void (seen += text));
      const code = await new Promise((resolve) => running.once("close", resolve));
      expect(code, `${args} without ${closed}`).toBe(expected);
      expect(seen).not.toMatch(/EPIPE|node:events|Error:/);
    }
  }
});
