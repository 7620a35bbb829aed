import { type Command, InvalidArgumentError } from "commander";
import { CommandError } from "../command-error.js";
import type { Context } from "../context.js";
import { integer, sizes } from "../options.js";

interface Options {
  readonly out: string;
  readonly cases: number;
  readonly seed: number;
  readonly dimensions: 2 | 3;
  readonly size?: readonly number[];
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
    .action((options: Options) => phantom(options, context));
}

function dimensions(text: string): 2 | 3 {
  if (text === "2" || text === "3") return text === "2" ? 2 : 3;
  throw new InvalidArgumentError("Expected 2 or 3.");
}

async function phantom({ out, cases, seed, dimensions, size }: Options, context: Context): Promise<void> {
  if (size && size.length !== dimensions) {
    throw new CommandError(`--size: expected ${dimensions} sizes, got ${size.join("x")}`, { exitCode: 2 });
  }
  const { truthKey } = await import("@pixelcal/phantom");
  const { shareOut, writePhantomData } = await import("../runs/phantoms.js");
  const shares = shareOut(cases);
  await writePhantomData(out, { cases: shares, seed, dimensions, size }, context);
  const { train, val, test } = shares;
  context.output.write(
    `${out}: ${train} cases to train, ${val} to validate, ${test} to test (seed ${seed}); ` +
      `array "${truthKey}" holds the true class probabilities\n`,
  );
}
