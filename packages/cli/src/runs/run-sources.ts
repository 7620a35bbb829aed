import { basename, join } from "node:path";
import type { Region } from "@pixelcal/core";
import {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationCase,
  evaluate,
  evaluateRegions,
  findNnunetDataset,
  formatRow,
  type Names,
  type NnunetFolder,
  nnunetCases,
  openNnunetFolder,
  openVolumeFolder,
  type RunCases,
} from "@pixelcal/evaluate";
import { FormatError, haveMasks, prefetch, readPrediction, storedMasks } from "@pixelcal/io";
import { openMasks } from "../inputs/mask-predictions.js";
import { besideHeads, ownCases, ownLayout } from "../inputs/own-predictions.js";
import type { LabelPlace } from "../inputs/prediction-types.js";
import { maskRegionsIn } from "./stored-folder.js";

/** The settings that decide a table's numbers. */
export type ScoreSettings = Omit<EvaluateOptions, "onCase" | "cases">;

/** The predictions of one run, of any layout. */
export interface RunSource extends RunCases {
  /** A sentence that says what was recognised. */
  readonly layout: string;
  /** The cases with labels but without a prediction. */
  readonly missing: readonly string[];
  /** The names of the classes, class 0 first, if known. */
  readonly classNames?: readonly string[];
  /** The regions that are scored, if any, and whether channels are sigmoid heads, one for each. */
  readonly regions?: readonly Region[];
  readonly heads?: boolean;
  /** The label of pixels that count in no score, if the data say so. */
  readonly ignore?: number;
  /** Reads the stored values and labels of one case. */
  read(name: string, ignore?: number): Promise<EvaluationCase>;
  /** Scores cases as they come; returns the evaluations by region, or one under an empty name. */
  score(cases: Names, settings: ScoreSettings, onCase: () => void): Promise<ReadonlyMap<string, Evaluation>>;
}

/** Returns the predictions of one run in a folder of `*.npz` with `probs` and `label`. */
export async function ownRun(
  run: string,
  path: string,
  { regions, heads = false }: Pick<RunSource, "regions" | "heads"> = {},
): Promise<RunSource> {
  const cases = await ownCases(path);
  const read = async (name: string, ignore?: number): Promise<EvaluationCase> => {
    const labels = heads && regions && besideHeads(regions, ignore);
    return {
      name,
      ...(await readPrediction(join(path, `${name}.npz`), { values: "any", ignore, ...labels })),
    };
  };
  return {
    run,
    layout: `${ownLayout(cases)}${inWords(regions)}`,
    cases,
    missing: [],
    ...(regions && { regions, heads }),
    read,
    async score(names, settings, onCase) {
      if (regions) {
        const items = prefetch(names, 1, (name) => read(name, settings.ignore));
        return evaluateRegions(items, regions, { ...regionSettings(settings), heads, onCase });
      }
      return new Map([["", await evaluate(path, { ...settings, cases: names, ...savedBy(onCase) })]]);
    },
  };
}

/** The place of labels and dataset.json, how label maps are read, and the regions to score. */
export interface NnunetOptions extends LabelPlace {
  readonly regions?: readonly Region[];
}

/** The predictions of one run that are paired with label maps. */
export interface LabelledRun extends RunSource {
  /** Whether there are probabilities, and not label maps alone. */
  readonly probabilities: boolean;
  /** The folder, if it is nnU-Net's. */
  readonly folder?: NnunetFolder;
}

/**
 * Opens the predictions of one run beside their labels: heads beside masks where the regions have some,
 * nnU-Net's if there is a dataset.json, or volumes.
 */
export async function labelledRun(predictions: string, options: NnunetOptions): Promise<LabelledRun> {
  const { dataset, labels } = options;
  const regions = options.regions ?? (await maskRegionsIn(predictions));
  if (regions !== undefined && haveMasks(regions)) return maskRun(predictions, { ...options, regions });
  const known = dataset ?? findNnunetDataset(predictions, labels);
  return known === undefined ? volumeRun(predictions, options) : nnunetRun(predictions, options);
}

async function maskRun(
  predictions: string,
  { regions, ...place }: NnunetOptions & { readonly regions: readonly Region[] },
): Promise<LabelledRun> {
  const { cases, missing, read: readAs } = await openMasks(predictions, place);
  const read = (name: string, ignore?: number): Promise<EvaluationCase> =>
    readAs(name, storedMasks(regions, ignore)!);
  return {
    run: basename(predictions),
    cases: cases.filter((name) => !missing.includes(name)),
    missing,
    layout: `predictions of masks with probabilities, ${cases.length} cases${inWords(regions)}`,
    probabilities: true,
    regions,
    heads: true,
    read,
    async score(names, settings, onCase) {
      const items = prefetch(names, 1, (name) => read(name, settings.ignore));
      return evaluateRegions(items, regions, { ...regionSettings(settings), heads: true, onCase });
    },
  };
}

async function volumeRun(predictions: string, { regions, ...places }: NnunetOptions): Promise<LabelledRun> {
  const { cases, missing, layout, probabilities, read } = await openVolumeFolder({ predictions, ...places });
  return {
    run: basename(predictions),
    cases: cases.filter((name) => !missing.includes(name)),
    missing,
    layout: `${layout}${inWords(regions)}`,
    probabilities,
    ...(regions && { regions }),
    read,
    async score(names, settings, onCase) {
      const items = prefetch(names, 1, read);
      if (regions) return evaluateRegions(items, regions, { ...regionSettings(settings), onCase });
      return new Map([["", await evaluate(items, { ...settings, ...savedBy(onCase) })]]);
    },
  };
}

/** Opens the predictions of one nnU-Net run beside their labels. */
async function nnunetRun(predictions: string, options: NnunetOptions): Promise<LabelledRun> {
  const { regions: given, ...places } = options;
  const folder = await openNnunetFolder({ predictions, ...places });
  const { dataset, missing } = folder;
  const run = basename(predictions);
  const regions = given ?? (dataset.hasRegions ? dataset.regions : undefined);
  if (dataset.hasRegions && given)
    throw new FormatError(
      predictions,
      "regions",
      `the network has a head for each of ${dataset.regions.map(({ name }) => name).join(", ")}; leave --regions out`,
    );
  const names = (regions ?? dataset.regions).map(({ name }) => name).join(", ");
  return {
    folder,
    probabilities: folder.probabilities,
    run,
    cases: folder.cases.filter((name) => !missing.includes(name)),
    missing,
    layout: `nnU-Net v2 predictions ${folder.probabilities ? "with probabilities" : "without probabilities"}, ${folder.cases.length} cases, ${regions ? "regions" : "labels"} ${names}`,
    ...(dataset.hasRegions ? {} : { classNames: ["background", ...dataset.regions.map(({ name }) => name)] }),
    ...(regions && { regions, heads: dataset.hasRegions }),
    ...(dataset.ignore === undefined ? {} : { ignore: dataset.ignore }),
    async read(name) {
      for await (const item of nnunetCases(folder, [name])) return item;
      throw new FormatError(predictions, name, "no such case");
    },
    async score(cases, wanted, onCase) {
      const settings = { ...wanted, ignore: wanted.ignore ?? dataset.ignore };
      const items = nnunetCases(folder, cases);
      if (regions) {
        const all = { ...regionSettings(settings), heads: dataset.hasRegions, onCase };
        return evaluateRegions(items, regions, all);
      }
      const all = { ...settings, classes: dataset.classes, ...savedBy(onCase) };
      return new Map([["", await evaluate(items, all)]]);
    },
  };
}

/** Formats rows while other cases are scored. */
const savedBy = (onCase: () => void): Pick<EvaluateOptions, "onCase"> => ({
  onCase(row) {
    formatRow(row);
    onCase();
  },
});

const inWords = (regions: readonly Region[] | undefined): string =>
  regions === undefined ? "" : `, regions ${regions.map(({ name }) => name).join(", ")}`;

const regionSettings = ({ classes: _, ...settings }: ScoreSettings): Omit<ScoreSettings, "classes"> =>
  settings;
