import {
  FileDataset,
  type FileDatasetOptions,
  masksOf,
  type Preparation,
  type TrainConfig,
} from "@pixelcal/train";
import { checkFits, classesOf, type Network } from "./network.js";
import { preparationFor } from "./preparation.js";

/** The cases that a run trains and validates with, and the way from stored images to theirs. */
export interface TrainingSplits {
  readonly preparation: Preparation | undefined;
  readonly train: FileDataset;
  readonly validation: FileDataset;
}

/** The folder of the data set, and where its prepared cases are kept. */
export type SplitsPlace = { readonly root: string } & Pick<FileDatasetOptions, "store" | "cacheBytes">;

type Open = (split: string) => Promise<FileDataset>;

/** Opens the cases of a run: each is read, checked and prepared, and kept in memory or in the store. */
export async function openTrainingSplits(
  config: TrainConfig,
  network: Network,
  place: SplitsPlace,
): Promise<TrainingSplits> {
  const { preparation, open } = await splitsOf(config, network, place);
  return { preparation, train: await open("train"), validation: await open("val") };
}

/** Opens the cases that a run validates with alone, as `openTrainingSplits` does. */
export async function openValidationSplit(
  config: TrainConfig,
  network: Network,
  place: SplitsPlace,
): Promise<FileDataset> {
  return (await splitsOf(config, network, place)).open("val");
}

async function splitsOf(
  config: TrainConfig,
  network: Network,
  { root, store, cacheBytes }: SplitsPlace,
): Promise<{ readonly preparation: Preparation | undefined; readonly open: Open }> {
  const classes = await classesOf(config, network, root, "train");
  const { ignore, fold } = config.dataset;
  const masks = masksOf(config);
  const openAs = async (split: string, how: Partial<FileDatasetOptions>): Promise<FileDataset> => {
    const dataset = await FileDataset.open(root, split, { classes, masks, ignore, fold, ...how });
    checkFits(config, dataset);
    return dataset;
  };
  const asStored = (): Promise<FileDataset> => openAs("train", { cacheBytes: 0, check: "first" });
  const preparation = await preparationFor(config, network, asStored);
  const how = {
    preparation,
    ...(store !== undefined && { store }),
    ...(cacheBytes !== undefined && { cacheBytes }),
  };
  return { preparation, open: (split) => openAs(split, how) };
}
