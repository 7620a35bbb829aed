import { spawn } from "node:child_process";
import { checkOptions, invalidArgument, optionNames } from "@pixelcal/core";
import { childProgram } from "../runtime/child-program.js";

export interface StepMemoryOptions {
  /**
   * The path of the process's program; needed where a bundler has put this package into another file: the
   * path of `@pixelcal/train/step-memory` or of a bundle of it.
   */
  readonly childProgram?: string;
}

/** Thrown where no step was measured: its process could not train it, or ended early. */
export class StepMemoryError extends Error {
  override readonly name = "StepMemoryError";
  readonly code = "ERR_PIXELCAL_STEP_MEMORY";
}

const names = optionNames<StepMemoryOptions>({ childProgram: true });

/** Threads of a measured step: those of an operator hold memory of their own, and machines differ in them. */
const threads = 2;

/**
 * Returns the bytes that one training step of a configuration, as `parseConfig` takes it, holds at its peak
 * beside the weights, for batches of images of these dims: measured in a process of its own, which trains it
 * on noise, on two threads. On Linux repeated measurements of 150 MiB or more are within 1 %. Throws
 * `StepMemoryError`.
 */
export async function measureStep(
  config: Readonly<Record<string, unknown>>,
  dims: readonly number[],
  options: StepMemoryOptions = {},
): Promise<number> {
  checkOptions("options", options, names);
  if (!(dims.length >= 3 && dims.every((n) => Number.isInteger(n) && n >= 1)))
    throw invalidArgument("dims", "[N, C, ...spatial]", dims);
  const program = childProgram("@pixelcal/train/step-memory", options.childProgram);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ["--expose-gc", program], { stdio: ["pipe", "pipe", "ignore"] });
    let answer = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      answer += text;
    });
    child.once("error", (cause) => reject(new StepMemoryError(cause.message, { cause })));
    child.once("close", (code, signal) => {
      try {
        const { bytes, problem } = JSON.parse(answer) as { bytes?: number; problem?: string };
        if (bytes !== undefined) resolve(bytes);
        else reject(new StepMemoryError(problem));
      } catch (cause) {
        const end = signal ?? `exit code ${code}`;
        reject(new StepMemoryError(`the process that trained a step ended with ${end}`, { cause }));
      }
    });
    // A process that ends early closes its end of the pipe; its end is told above.
    child.stdin.on("error", () => undefined);
    child.stdin.end(JSON.stringify({ config: { ...config, threads }, dims }));
  });
}
