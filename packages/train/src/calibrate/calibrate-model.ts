import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import { OnnxFile } from "@pixelcal/graph";
import type { Dataset } from "../data/dataset-case.js";
import { readingNames } from "../model/canonical.js";
import { withCarriedReading } from "../model/carried-reading.js";
import { Network } from "../predict/network.js";
import type { TrainDevice } from "../runtime/session.js";
import { collectLogits } from "./collect-logits.js";
import { type AnyFit, fitMethod, type MethodOptions } from "./fit-method.js";
import { fuseCalibrator, withoutCalibrator } from "./fuse.js";
import { headCases, ignoredInHead } from "./head-cases.js";
import { LogitsCache } from "./logits-cache.js";
import { type LogitsPlace, logitsPlace, type PlaceOptions } from "./logits-place.js";
import { fittingMethods, unfitting } from "./methods.js";

/** The options of {@link calibrateModel}. */
export interface CalibrateOptions extends Omit<PlaceOptions, "dims">, MethodOptions {
  readonly model: Uint8Array | OnnxFile;
  /** The cases to fit to, which the model was not trained with. */
  readonly dataset: Dataset;
  /** A new file for the logits of all cases, 4 bytes a class and pixel; it is deleted at the end. */
  readonly cache: string;
  /** Keeps the file of the logits; default false. */
  readonly keepCache?: boolean;
  /** The labels that each channel holds, where every channel is a sigmoid of its own. */
  readonly heads?: readonly (readonly number[])[];
  /** Sizes of the tiles that the model takes, as for `predict`; whole images by default. */
  readonly tile?: readonly number[];
  /** Names the patient, or whatever else cases share; each case is its own by default. */
  readonly groupOf?: (name: string) => string | undefined;
  readonly keepLogits?: boolean;
  readonly device?: TrainDevice;
  readonly threads?: number;
  /** The version to record in the file. */
  readonly version?: string;
  /** Called when a case was predicted, and for each calibrator that is fitted. */
  readonly onProgress?: (stage: "predict" | "fit", done: number, total: number) => void;
}

const names = optionNames<CalibrateOptions>({
  model: true,
  dataset: true,
  cache: true,
  keepCache: true,
  method: true,
  allowLabelChanges: true,
  fit: true,
  ignore: true,
  heads: true,
  tile: true,
  groupOf: true,
  keepLogits: true,
  device: true,
  threads: true,
  version: true,
  onProgress: true,
  signal: true,
  output: true,
  ...readingNames,
  externalData: true,
  tiedWeights: true,
});

/** A calibrated model. */
export interface Calibration {
  /** The bytes of the ONNX file. */
  readonly model: Uint8Array;
  /** The output that was calibrated. */
  readonly output: string;
  /** One fit, or one for each channel that is a sigmoid of its own. */
  readonly fits: readonly AnyFit[];
  /** The fingerprint of the cases, which the file records. */
  readonly data: string;
}

/**
 * Fits a calibrator to a model's logits on the cases of a data set and fuses it into the model: one pass of
 * the model, whose logits go to a file that every fit reads. Throws `InvalidArgumentError` for models, data
 * and options that do not fit.
 */
export async function calibrateModel(options: CalibrateOptions): Promise<Calibration> {
  checkOptions("options", options, names);
  const { dataset, cache: path, keepCache = false, method, tile, groupOf, onProgress, signal } = options;
  const { output, classAxis, channelAxis, channels, inputs, externalData, tiedWeights } = options;
  const file = new OnnxFile(withoutCalibrator(options.model));
  const { image } = await dataset.read(0);
  const given = { classAxis, channelAxis, channels, inputs, externalData, tiedWeights };
  const reading = withCarriedReading(file, given);
  const dims = [1, image.dims[0]!, ...(tile ?? image.dims.slice(1))];
  const place = logitsPlace(file, { ...reading, output, dims });
  const heads = headsOf(place, options);
  const known = fittingMethods(place);
  const candidates = place.raster === "image" ? undefined : known;
  if (method !== undefined && method !== "auto" && !known.includes(method))
    throw unfitting("method", method, place);
  const ignore = options.ignore ?? ignoredByDefault(dataset.classes);
  const network = new Network({
    ...reading,
    model: file,
    outputs: [place.output],
    device: options.device,
    threads: options.threads,
  });
  const cache = await LogitsCache.create(path);
  try {
    const total = dataset.names.length;
    const onCase = (done: number): void => onProgress?.("predict", done, total);
    const data = await collectLogits(network, dataset, cache, { tile, ignore, groupOf, signal, onCase });
    await network.close();
    const fits: AnyFit[] = [];
    for (const [channel, members] of (heads ?? [undefined]).entries()) {
      const own = members && headCases(cache, channel, new Set(members), ignore);
      const plan = { ...options, ignore: own ? ignoredInHead : ignore };
      fits.push(await fitMethod(own ?? cache, plan, candidates));
      onProgress?.("fit", channel + 1, heads?.length ?? 1);
    }
    const { keepLogits, version } = options;
    const fuse = { ...reading, output: place.output, dims, keepLogits, version, data };
    const calibrators = fits.map(({ calibrator }) => calibrator);
    return { model: fuseCalibrator(file, calibrators, fuse), output: place.output, fits, data };
  } finally {
    await network.close();
    await cache.close({ keep: keepCache });
  }
}

const ignoredByDefault = (classes: number): number => (classes <= 255 ? 255 : -1);

function headsOf(
  { channels, dims, axis, output }: LogitsPlace,
  { heads }: CalibrateOptions,
): CalibrateOptions["heads"] {
  const count = dims[axis]!;
  if (channels !== "labels") {
    if (heads === undefined) return undefined;
    throw invalidArgument("heads", "an output with a sigmoid of several channels", output);
  }
  if (heads?.length === count) return heads;
  const message = `heads: ${output} has ${count} channels that are sigmoids of their own; expected the labels of each, got those of ${heads?.length ?? 0}`;
  throw new InvalidArgumentError("heads", message);
}
