import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { invalidArgument } from "@pixelcal/core";
import { type TrainDevice, trainDevices } from "../runtime/session.js";

// Node does not run the sources: tests start the built program. Found when it is needed: a bundle of CommonJS
// has no URL of its own.
const program = (): string =>
  fileURLToPath(new URL("../../dist/check/device-trial-child.js", import.meta.url));

/** More than a driver needs to load, even on a busy machine. */
const patience = 60_000;

/**
 * Returns why networks cannot run on a device here, or undefined if they can. A network of one operator is
 * run in a process of its own: GPU drivers write to stderr while they load, and can end a process.
 */
export function networkDeviceProblem(device: TrainDevice): Promise<string | undefined> {
  if (!trainDevices.includes(device)) throw invalidArgument("device", trainDevices.join(", "), device);
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program(), device], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: patience,
      killSignal: "SIGKILL",
    });
    let answer = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    child.once("error", ({ message }) => resolve(`no process to try it in: ${message}`));
    child.once("close", (code, signal) => resolve(problemIn(answer, signal ?? `exit code ${code}`)));
  });
}

function problemIn(answer: string, end: string): string | undefined {
  try {
    const { problem } = JSON.parse(answer) as { problem?: string };
    return problem;
  } catch {
    return `a process that tried it ended with ${end}`;
  }
}
