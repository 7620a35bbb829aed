import { Command, CommanderError } from "commander";
import { addCalibrate } from "./commands/calibrate.js";
import { addCheck } from "./commands/check.js";
import { addCompletion } from "./commands/completion.js";
import { addDemo } from "./commands/demo.js";
import { addDoctor } from "./commands/doctor.js";
import { addEvaluate } from "./commands/evaluate.js";
import { addInfer } from "./commands/infer.js";
import { addInit } from "./commands/init.js";
import { addPhantom } from "./commands/phantom.js";
import { addPrepare } from "./commands/prepare.js";
import { addReport } from "./commands/report.js";
import { addSchema } from "./commands/schema.js";
import { addTrain } from "./commands/train.js";
import type { Context } from "./context.js";
import { exitCode, tellFailure } from "./failure.js";
import { version } from "./version.js";

/**
 * Runs the command line `pixelcal ARGS` and returns its exit code: 0 done, 1 failed, 2 wrong usage, 130
 * interrupted.
 */
export async function run(args: readonly string[], context: Context): Promise<number> {
  const program = new Command("pixelcal")
    .description("Train, run and score segmentation models whose confidence can be trusted.")
    .version(version(), "-V, --version")
    .showHelpAfterError("(pixelcal COMMAND --help lists the options)")
    .configureOutput({
      writeOut: (text) => context.output.write(text),
      writeErr: (text) => context.terminal.line(text.trimEnd()),
    })
    .exitOverride();
  for (const add of [
    addInit,
    addPrepare,
    addTrain,
    addInfer,
    addEvaluate,
    addReport,
    addCheck,
    addCalibrate,
    addPhantom,
    addDemo,
    addDoctor,
    addSchema,
    addCompletion,
  ])
    add(program, context);
  try {
    await program.parseAsync(args, { from: "user" });
    return 0;
  } catch (error) {
    // Commander has printed its own message.
    if (error instanceof CommanderError) {
      if (error.code === "commander.missingMandatoryOptionValue")
        for (const flag of unknownFlags(program, args)) context.terminal.line(`(unknown option '${flag}')`);
      return error.exitCode === 0 ? 0 : 2;
    }
    tellFailure(error, context.terminal);
    return exitCode(error);
  }
}

/** Returns the flags that a command does not know; Commander looks for a missing option first. */
function unknownFlags(program: Command, [name, ...rest]: readonly string[]): readonly string[] {
  const known = program.commands.find((command) => command.name() === name)?.options ?? [];
  const flags = rest
    .filter((word) => word.startsWith("--") && word !== "--")
    .map((word) => word.split("=")[0]!);
  return flags.filter((flag) => flag !== "--help" && !known.some(({ long }) => long === flag));
}
