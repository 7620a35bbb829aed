import { join } from "node:path";
import { inspectValues, type Tensor } from "@pixelcal/core";
import { prefetch, readNpz, writePrediction } from "@pixelcal/io";
import { type Dataset, type ProbabilityModel, predict } from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { type Replaceable, writeFolder } from "../replace-folder.js";

/** The predictions to make: the network, the cases, and the output folder. */
export interface InferRun extends Pick<Context, "terminal" | "signal"> {
  readonly predictor: ProbabilityModel;
  readonly dataset: Dataset;
  /** The folder preds/NAME, which is either complete or absent. */
  readonly folder: string;
  /** The sizes of overlapping tiles; by default each image is taken whole. */
  readonly tile?: readonly number[];
  /** The share of a tile that neighbours have in common. */
  readonly overlap?: number;
  readonly label: string;
}

/** Writes `probs` and `label` of every case as the authors' repository does. */
export async function inferRun(run: InferRun): Promise<void> {
  const { predictor, dataset, folder, terminal, signal, tile, overlap, label } = run;
  const total = dataset.names.length;
  await writeFolder(folder, predictions, async (staged) => {
    let writing: Promise<void> = Promise.resolve();
    const cases = prefetch(dataset.names.keys(), 1, async (index) => ({
      index,
      ...(await dataset.read(index)),
    }));
    try {
      for await (const { index, image, labels, spacing } of cases) {
        if (signal.aborted) throw new Interrupted(`stopped; ${folder} was not written`);
        const probs = await predict(predictor, image, { tile, overlap });
        if (await hasNaN(probs))
          throw new CommandError(`${dataset.source(index)}: the network's outputs are not finite`);
        // One case is written while the next is predicted.
        await writing;
        const path = join(staged, `${dataset.names[index]}.npz`);
        writing = writePrediction(path, { probs, labels, spacing }).then(() =>
          terminal.progress({ label, done: index + 1, total }),
        );
        writing.catch(() => undefined);
      }
      await writing;
    } finally {
      // The folder is removed after a failure, so no write to it may still be running.
      await Promise.allSettled([writing]);
    }
  });
  terminal.clear();
}

async function hasNaN({ dims, ...probs }: Tensor<"float32">): Promise<boolean> {
  const { values } = await inspectValues({ ...probs, dims: [1, ...dims] });
  return values.count > 0;
}

// Cases have the same ending as predictions, and predictions must not replace them.
const predictions: Replaceable = {
  what: "predictions",
  async matches(names, folder) {
    const [first] = names;
    if (first === undefined || !names.every((name) => name.endsWith(".npz"))) return false;
    return "probs" in (await readNpz(join(folder, first), { keys: ["probs"] }));
  },
};
