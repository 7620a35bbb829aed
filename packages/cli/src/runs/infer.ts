import { join } from "node:path";
import { readNpz, writePrediction } from "@pixelcal/io";
import { type Dataset, type ProbabilityModel, predict } from "@pixelcal/train";
import { CommandError, Interrupted } from "../command-error.js";
import type { Context } from "../context.js";
import { type Replaceable, writeFolder } from "../replace-folder.js";

/** Predictions to make: of which network, on which cases, and where they go. */
export interface InferRun extends Pick<Context, "terminal" | "signal"> {
  readonly predictor: ProbabilityModel;
  readonly dataset: Dataset;
  /** preds/NAME, complete or not there at all. */
  readonly folder: string;
  /** Sizes of overlapping tiles; without them each image is taken whole. */
  readonly tile?: readonly number[];
  /** Share of a tile that neighbours have in common. */
  readonly overlap?: number;
  readonly label: string;
}

/** Writes `probs` and `label` of every case as the authors' repository does. */
export async function inferRun(run: InferRun): Promise<void> {
  const { predictor, dataset, folder, terminal, signal, tile, overlap, label } = run;
  const total = dataset.names.length;
  await writeFolder(folder, predictions, async (staged) => {
    for (const [index, name] of dataset.names.entries()) {
      if (signal.aborted) throw new Interrupted(`stopped; ${folder} was not written`);
      const { image, labels, spacing } = await dataset.read(index);
      const probs = await predict(predictor, image, { tile, overlap });
      if (probs.data.some(Number.isNaN))
        throw new CommandError(`${dataset.source(index)}: the network's outputs are not finite`);
      await writePrediction(join(staged, `${name}.npz`), { probs, labels, spacing });
      terminal.progress({ label, done: index + 1, total });
    }
  });
  terminal.clear();
}

// Cases have the same ending as predictions, and must not be replaced by them.
const predictions: Replaceable = {
  what: "predictions",
  async matches(names, folder) {
    const [first] = names;
    if (first === undefined || !names.every((name) => name.endsWith(".npz"))) return false;
    return "probs" in (await readNpz(join(folder, first), { keys: ["probs"] }));
  },
};
