import { spawn } from "node:child_process";
import { checkOptions, checkSignal, invalidArgument, optionNames, type SignalOption } from "@pixelcal/core";
import { childProgram } from "../runtime/child-program.js";
import { type TrainDevice, trainDevices } from "../runtime/session.js";

export interface DeviceTrialOptions extends SignalOption {
  /**
   * The path of the process's program; needed where a bundler has put this package into another file: the
   * path of `@pixelcal/train/device-trial` or of a bundle of it.
   */
  readonly childProgram?: string;
}

const names = optionNames<DeviceTrialOptions>({ childProgram: true, signal: true });

/** More than a driver needs to load, even on a busy machine. */
const patience = 60_000;

/**
 * Returns why networks cannot run on a device here, or undefined if they can. A network of one operator is
 * run in a process of its own: GPU drivers write to stderr while they load, and can end a process.
 */
export async function networkDeviceProblem(
  device: TrainDevice,
  options: DeviceTrialOptions = {},
): Promise<string | undefined> {
  if (!trainDevices.includes(device)) throw invalidArgument("device", trainDevices.join(", "), device);
  checkOptions("options", options, names);
  const { signal } = options;
  checkSignal(signal);
  const program = childProgram("@pixelcal/train/device-trial", options.childProgram);
  const problem = await new Promise<string | undefined>((resolve) => {
    const child = spawn(process.execPath, [program, device], {
      stdio: ["ignore", "pipe", "ignore"],
      timeout: patience,
      killSignal: "SIGKILL",
      signal,
    });
    let answer = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    child.once("error", ({ message }) => resolve(`no process to try it in: ${message}`));
    child.once("close", (code, end) => resolve(problemIn(answer, end ?? `exit code ${code}`)));
  });
  signal?.throwIfAborted();
  return problem;
}

function problemIn(answer: string, end: string): string | undefined {
  try {
    const { problem } = JSON.parse(answer) as { problem?: string };
    return problem;
  } catch {
    return `a process that tried it ended with ${end}`;
  }
}
