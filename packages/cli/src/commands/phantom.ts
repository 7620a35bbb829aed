import { type Command, InvalidArgumentError } from "commander";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { integer, jsonOption, sizes } from "../options.js";
import { writeReport } from "../write-report.js";

interface Options {
  readonly out: string;
  readonly cases: number;
  readonly seed: number;
  readonly dimensions: 2 | 3;
  readonly size?: readonly number[];
  readonly json?: true;
}

export function addPhantom(program: Command, context: Context): void {
  program
    .command("phantom")
    .description(
      "Generate a data set of cardiac short-axis phantoms whose true class probabilities are known.",
    )
    .requiredOption("--out <root>", "folder for the data set, ROOT/{train,val,test}/*.npz")
    .option(
      "--cases <count>",
      "number of cases in all, an eighth for validation, a quarter for the test",
      integer(3),
      40,
    )
    .option("--seed <seed>", "seed of all values", integer(0), 1)
    .option(
      "--dimensions <count>",
      "number of dimensions: 2 for slices, 3 for stacks of slices",
      dimensions,
      2,
    )
    .option("--size <sizes>", "size in pixels per axis (default: 128x128 or 10x128x128)", sizes)
    .addOption(jsonOption())
    .action((options: Options) => phantom(options, context));
}

function dimensions(text: string): 2 | 3 {
  if (text === "2" || text === "3") return text === "2" ? 2 : 3;
  throw new InvalidArgumentError("Expected 2 or 3.");
}

async function phantom(options: Options, context: Context): Promise<void> {
  const { out, cases, seed, dimensions, size, json } = options;
  if (size && size.length !== dimensions) {
    throw new CommandError(`--size: expected ${dimensions} sizes, got ${size.join("x")}`, { exitCode: 2 });
  }
  const { truthKey } = await import("@pixelcal/phantom");
  const { shareOut, writePhantomData } = await import("../runs/phantoms.js");
  const shares = shareOut(cases);
  await writePhantomData(out, { cases: shares, seed, dimensions, size }, context);
  const { train, val, test } = shares;
  await writeReport(
    context,
    json,
    { command: "phantom", root: out, cases: shares, seed, truth: truthKey },
    `${out}: ${train} cases to train, ${val} to validate, ${test} to test (seed ${seed}); ` +
      `array "${truthKey}" holds the true class probabilities\n`,
  );
}
