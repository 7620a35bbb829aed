import type { LesionTable as NativeTable } from "@pixelcal/native";
import { call, native } from "../binding.js";
import { checkChoice, checkLabels } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import type { Connectivity } from "../kernels/connected-components.js";
import type { Labels } from "../tensor.js";
import { expectedCalibrationError } from "./calibration-error.js";
import {
  type LesionConvention,
  lesionConventions,
  lesionDefinition,
  type Matching,
  matchByCentroid,
  matchByOverlap,
  matchTouching,
} from "./lesion-matching.js";
import {
  byRegion,
  type Lesion,
  type LesionRegions,
  type LesionTable,
  lesionRequest,
  lesionTableOf,
  regionTable,
} from "./lesions.js";

export interface LesionScoresOptions extends LesionRegions {
  /**
   * The definition of lesions and of detection. overlap (default): any shared pixel detects, as many
   * predicted lesions as touch; centroid: centroids within `reach`, one to one; brats-2023: as the
   * challenge's code (true lesions grown three times are joined and detected by whatever touches, true
   * lesions of at most `leastVolume` do not count, a missed or false one has the Hausdorff distance
   * `penalty`); panoptica: an intersection over union of at least `threshold`, one to one, the largest first;
   * autopet: any shared pixel, neighbours share an edge.
   */
  readonly convention?: LesionConvention;
  /** The neighbours that make a lesion; default that of the convention, else "corners". */
  readonly connectivity?: Connectivity;
  /** The number of times true lesions grow; default that of the convention (brats-2023: 3). */
  readonly grow?: number;
  /** The volume that true lesions must exceed to count; default 50 for brats-2023 and 0 for others. */
  readonly leastVolume?: number;
  /** The Hausdorff distance of a missed or false lesion; default 374 for brats-2023, Infinity for others. */
  readonly penalty?: number;
  /** The least intersection over union of panoptica; default 0.5. */
  readonly threshold?: number;
  /** The largest distance between centroids, in physical units; default 10. */
  readonly reach?: number;
}

/** @internal The options of scores beside the regions and the case. */
export const lesionSettingTable = {
  convention: true,
  connectivity: true,
  grow: true,
  leastVolume: true,
  penalty: true,
  threshold: true,
  reach: true,
} as const;

const names = optionNames<LesionScoresOptions>({ ...regionTable, ...lesionSettingTable });

/** A predicted lesion: its volume, the mean probability inside, and whether it detects a true lesion. */
export interface PredictedLesion extends Pick<Lesion, "volume" | "confidence"> {
  readonly real: boolean;
}

/**
 * The scores of one region's lesions in one image. NaN where there is nothing to score, but for brats-2023
 * Dice 1 and distance 0 without lesions.
 */
export interface LesionScores {
  /** The true lesions that are detected, and those that are missed. */
  readonly detected: number;
  readonly missed: number;
  /** The predicted lesions that detect nothing. */
  readonly falsePositives: number;
  /** 2 detected / (2 detected + missed + false). */
  readonly f1: number;
  /**
   * The mean over true and false lesions of each one's Dice with all that detects it: 0 for missed and false.
   */
  readonly dice: number;
  /** The same mean of the 95th percentile of the Hausdorff distance, `penalty` for missed and false. */
  readonly hd95: number;
  /** The mean intersection over union of detected lesions, F1, and their product. */
  readonly segmentationQuality: number;
  readonly recognitionQuality: number;
  readonly panopticQuality: number;
  /** The volumes of the missed and of the false lesions. */
  readonly falseNegativeVolume: number;
  readonly falsePositiveVolume: number;
  /** The mean over predicted lesions of the mean probability inside; NaN without `probs`. */
  readonly confidence: number;
  /** The expected calibration error of all pixels inside predicted lesions; NaN without `probs`. */
  readonly expected: number;
  /** The predicted lesions. */
  readonly predicted: readonly PredictedLesion[];
  /** The volumes of the missed lesions. */
  readonly missedVolumes: readonly number[];
}

/** @internal The options of scores that do not depend on the case, with every default filled in. */
export type LesionSettings = Required<
  Pick<LesionScoresOptions, "convention" | "leastVolume" | "penalty" | "threshold" | "reach">
> &
  Pick<LesionScoresOptions, "connectivity" | "grow">;

/** @internal Checks the options of scores that do not depend on the case. */
export function lesionSettings(options: Partial<LesionScoresOptions>): LesionSettings {
  const { convention = "overlap", connectivity, grow } = options;
  checkChoice("convention", convention, lesionConventions);
  const brats = convention === "brats-2023";
  const {
    leastVolume = brats ? 50 : 0,
    penalty = brats ? 374 : Infinity,
    threshold = 0.5,
    reach = 10,
  } = options;
  for (const [name, value] of Object.entries({ leastVolume, penalty, reach }))
    if (!(typeof value === "number" && value >= 0))
      throw invalidArgument(name, "a number of at least 0", value);
  if (!(threshold > 0 && threshold <= 1))
    throw invalidArgument("threshold", "a number above 0, up to 1", threshold);
  return { convention, leastVolume, penalty, threshold, reach, connectivity, grow };
}

/** @internal Returns what makes a lesion, how often true ones grow, and whether all that touches detects. */
export function lesionForm(
  { convention, ...settings }: LesionSettings,
  axes: number,
): ReturnType<typeof lesionDefinition> & { readonly touching: boolean } {
  const definition = lesionDefinition(convention, axes);
  return {
    connectivity: settings.connectivity ?? definition.connectivity,
    grow: settings.grow ?? definition.grow,
    touching: convention !== "panoptica" && convention !== "centroid",
  };
}

/**
 * Scores the lesions of label maps `[N, ...spatial]`, the connected components of every region; returns for
 * each image one result per region. Surfaces are measured as by the package surface-distance ("deepmind").
 */
export async function lesionScores(
  predicted: Labels,
  labels: Labels,
  options: LesionScoresOptions,
): Promise<readonly (readonly LesionScores[])[]> {
  checkOptions("options", options, names);
  const settings = lesionSettings(options);
  const { classes, regions, ignore, spacing, probs, signal } = options;
  checkLabels(labels);
  const { touching, ...form } = lesionForm(settings, labels.dims.length - 1);
  const shared = { classes, regions, ignore, spacing, signal, ...form };
  const request = lesionRequest(predicted, labels, { ...shared, probs });
  const tables = await call(native.lesionTables, { ...request, touching, spacing }, signal);
  return lesionScoresOf(tables, settings, { predicted: async () => predicted, labels, ...shared });
}

/** The maps and regions that tables are of. */
interface Scored extends Omit<LesionRegions, "probs">, ReturnType<typeof lesionDefinition> {
  /** Returns the predicted label map, for conventions whose detections are not all that touches. */
  predicted(): Promise<Labels>;
  readonly labels: Labels;
}

/** @internal Scores the lesions of native tables, with the distances of touching ones if these detect. */
export async function lesionScoresOf(
  found: readonly NativeTable[],
  settings: LesionSettings,
  scored: Scored,
): Promise<readonly (readonly LesionScores[])[]> {
  const { predicted, labels, ...regions } = scored;
  const [images, ...size] = labels.dims as [number, ...number[]];
  const tables = byRegion(found, images, (table) => lesionTableOf(table, size, regions));
  const matchings = tables.map((of) => of.map((table) => matchingOf(table, settings)));
  const distances = lesionForm(settings, size.length).touching
    ? byRegion(found, images, ({ touching }) => touching).map((of, image) =>
        of.map((touching, region) => matchings[image]![region]!.matches.map(({ truth }) => touching[truth]!)),
      )
    : await surfacesOf(await predicted(), labels, { ...regions, matchings });
  return tables.map((of, image) =>
    of.map((table, region) =>
      scoresOf(table, matchings[image]![region]!, distances[image]![region]!, settings),
    ),
  );
}

/** Returns the matches of the true lesions that count. */
function matchingOf(
  table: LesionTable,
  { convention, threshold, reach, leastVolume }: LesionSettings,
): Matching {
  const matching =
    convention === "panoptica"
      ? matchByOverlap(table, threshold)
      : convention === "centroid"
        ? matchByCentroid(table, reach)
        : matchTouching(table);
  const counts = ({ truth }: { truth: number }): boolean => table.truth[truth]!.volume > leastVolume;
  return { ...matching, matches: matching.matches.filter(counts) };
}

/** Returns the 95th percentiles of the matches of every image and region, Infinity for missed lesions. */
async function surfacesOf(
  predicted: Labels,
  labels: Labels,
  { matchings, ...options }: LesionRegions & { matchings: readonly (readonly Matching[])[] },
): Promise<readonly (readonly (readonly number[])[])[]> {
  const request = lesionRequest(predicted, labels, options);
  const found = matchings.map((of) =>
    of.map(({ matches }) => matches.filter((match) => match.predicted.length > 0)),
  );
  const measures = await call(
    native.lesionSurfaces,
    {
      ...request,
      spacing: options.spacing,
      convention: "deepmind" as const,
      groups: found.flat(2).flatMap((match) => [match.predicted, [match.truth]]),
      lengths: found.flat().map((matches) => matches.length),
    },
    options.signal,
  );
  let at = 0;
  return matchings.map((of) =>
    of.map(({ matches }) =>
      matches.map((match) => (match.predicted.length > 0 ? measures[at++]!.hd95 : Infinity)),
    ),
  );
}

function scoresOf(
  table: LesionTable,
  { matches, falsePositives }: Matching,
  distances: readonly number[],
  { penalty, convention }: LesionSettings,
): LesionScores {
  const brats = convention === "brats-2023";
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  const overlaps = matches.map(({ truth, predicted }) => {
    const of = new Set(predicted);
    const shared = sum(
      table.pairs.filter((p) => p.truth === truth && of.has(p.predicted)).map((p) => p.shared),
    );
    const both = table.truth[truth]!.pixels + sum(predicted.map((i) => table.predicted[i]!.pixels));
    return { dice: (2 * shared) / both, overUnion: shared / (both - shared) };
  });
  const hits = matches.map(({ predicted }) => predicted.length > 0);
  const detected = hits.filter(Boolean).length;
  const missed = matches.length - detected;
  const wrong = falsePositives.length;
  const all = matches.length + wrong;
  const recognitionQuality = (2 * detected) / (2 * detected + missed + wrong);
  const segmentationQuality =
    sum(overlaps.filter((_, i) => hits[i]).map(({ overUnion }) => overUnion)) / detected;
  const volumes = (lesions: LesionTable["truth"], chosen: readonly number[]): number[] =>
    chosen.map((i) => lesions[i]!.volume);
  const missedVolumes = volumes(
    table.truth,
    matches.filter((_, i) => !hits[i]).map(({ truth }) => truth),
  );
  const penalised = distances.map((distance) => (Number.isFinite(distance) ? distance : penalty));
  return {
    detected,
    missed,
    falsePositives: wrong,
    f1: recognitionQuality,
    dice: brats && all === 0 ? 1 : sum(overlaps.map(({ dice }) => dice)) / all,
    hd95: brats && all === 0 ? 0 : (sum(penalised) + (wrong > 0 ? wrong * penalty : 0)) / all,
    segmentationQuality,
    recognitionQuality,
    panopticQuality: detected > 0 ? segmentationQuality * recognitionQuality : recognitionQuality,
    falseNegativeVolume: sum(missedVolumes),
    falsePositiveVolume: sum(volumes(table.predicted, falsePositives)),
    confidence: sum(table.predicted.map(({ confidence }) => confidence)) / table.predicted.length,
    expected: table.bins === undefined ? Number.NaN : expectedCalibrationError(table.bins),
    predicted: table.predicted.map(({ volume, confidence }, i) => ({
      volume,
      confidence,
      real: !falsePositives.includes(i),
    })),
    missedVolumes,
  };
}
