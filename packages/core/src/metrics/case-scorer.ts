import type { CaseLesionsOptions, LesionTable as NativeTable } from "@pixelcal/native";
import { checkBoolean, checkChoice } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal } from "../device.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { type BinLayout, type CalibrationBins, histogramOf } from "../kernels/bins.js";
import { type BoundaryBins, type BoundaryLayout, ringBins } from "../kernels/boundary-bins.js";
import { type BoundaryOptions, boundaryLayout, ringNames } from "../kernels/boundary-calibration.js";
import { type BinOptions, binLayout } from "../kernels/calibration-bins.js";
import { connectivityAxes } from "../kernels/connected-components.js";
import { hashOfWords } from "../kernels/label-hash.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";
import { checkMetricOptions } from "./accumulator.js";
import { type CasePart, CasePlan, type CaseSurfaceDefinition, surfaceMeasures } from "./case-plan.js";
import { type CenterlineCounts, centerlineOf } from "./centerline.js";
import { checkRegions } from "./label-surface-distance.js";
import {
  type LesionScores,
  type LesionScoresOptions,
  type LesionSettings,
  lesionForm,
  lesionScoresOf,
  lesionSettings,
  lesionSettingTable,
} from "./lesion-scores.js";
import { byRegion, type LesionRegions } from "./lesions.js";
import type { MetricUpdateOptions } from "./metric.js";
import { argMax } from "./overlap.js";
import { checkFloor, type ProbabilityScores } from "./probability-scores.js";
import {
  checkSurfaceDefinition,
  checkTolerances,
  definitionNames,
  type SurfaceDefinition,
} from "./surface-definition.js";
import type { SurfaceDistances } from "./surface-distance.js";
import type { TemperatureSketch } from "./temperature.js";

/** Surface distances between regions of the arg-max and of the labels. */
export interface CaseSurfaces extends Omit<SurfaceDefinition, "tolerance"> {
  /** The regions, each a set of classes. */
  readonly regions: readonly (readonly number[])[];
  /** The tolerance of every region, or one per region; default 1. */
  readonly tolerance?: number | readonly number[];
}

/** The bins of a case. */
export interface CaseHistogram extends BinOptions {
  /** The pixels that count: `all`, or the `objects`, whose label is not 0; without `squares`. Default all. */
  readonly pixels?: "all" | "objects";
}

/** The definition of lesions and of detection, of every class but 0. */
export type CaseLesions = Omit<LesionScoresOptions, keyof LesionRegions>;

export interface CaseScorerOptions {
  readonly classes: number;
  /** The label of pixels that count in no score. */
  readonly ignore?: number;
  /** The bins that are wanted, as of `calibrationBins`. */
  readonly histograms?: readonly CaseHistogram[];
  /** The floors of the log loss for which `probabilityScores` are wanted; 0 is no bound. */
  readonly floors?: readonly number[];
  /** Whether the `confusionCounts` of the arg-max are wanted; default false. */
  readonly confusion?: boolean;
  /** The surface distances that are wanted, as of `labelSurfaceDistances`. */
  readonly surfaces?: readonly CaseSurfaces[];
  /** The sums by distance to a boundary that are wanted, as of `boundaryCalibration`. */
  readonly rings?: readonly BoundaryOptions[];
  /** Whether the `temperatureSketch` is wanted; default false. */
  readonly temperature?: boolean;
  /** The `lesionScores` of the arg-max that are wanted, with the confidence inside. */
  readonly lesions?: CaseLesions;
  /** Whether the `centerlineCounts` of the arg-max are wanted, of every class but 0; default false. */
  readonly centerlines?: boolean;
  /** Whether the `labelHash` of each image's labels is wanted; default false. */
  readonly hashes?: boolean;
  /**
   * The closed range of the sums of probabilities over the classes; other sums, but those of ignored pixels,
   * are an error. Default: any sums.
   */
  readonly sums?: readonly [number, number];
}

/** Returns a plain copy of an option's array, in which a hole is undefined; [] for the default. */
function listOf<T>(name: string, list: readonly T[] = []): readonly T[] {
  if (!Array.isArray(list)) throw invalidArgument(name, "an array", list);
  return Array.from(list);
}

/** The scores of a case, in the order of the options; their arrays are views of one ArrayBuffer. */
export interface CaseScores {
  readonly histograms: readonly CalibrationBins[];
  readonly proper: readonly ProbabilityScores[];
  /** The counts, `[N, true class, predicted class]`. */
  readonly confusion: Tensor<"float64"> | undefined;
  /** The results of every definition by image and region. */
  readonly surfaces: readonly (readonly (readonly SurfaceDistances[])[])[];
  readonly rings: readonly BoundaryBins[];
  readonly temperature: TemperatureSketch | undefined;
  /** The scores and counts of every class but 0 by image; none if they are not wanted. */
  readonly lesions: readonly (readonly LesionScores[])[];
  readonly centerlines: readonly (readonly CenterlineCounts[])[];
  /** The hashes of the labels `[...spatial]` of each image; none if they are not wanted. */
  readonly hashes: readonly string[];
}

const names = optionNames<CaseScorerOptions>({
  classes: true,
  ignore: true,
  histograms: true,
  floors: true,
  confusion: true,
  surfaces: true,
  rings: true,
  temperature: true,
  lesions: true,
  centerlines: true,
  hashes: true,
  sums: true,
});
const binNames = optionNames<CaseHistogram>({
  pixels: true,
  bins: true,
  of: true,
  edges: true,
  includeLowest: true,
  comparison: true,
  threshold: true,
  squares: true,
});
const surfaceNames = optionNames<CaseSurfaces>({ ...definitionNames, regions: true });
const lesionNames = optionNames<CaseLesions>(lesionSettingTable);
const scoreNames = optionNames<MetricUpdateOptions>({ spacing: true, signal: true });

/**
 * Scores cases by one native call each, which reads the probabilities once: bins, proper scores, the overlap
 * of the arg-max, distances between its surfaces and those of the labels, lesions, centrelines and the
 * temperature. Every result has the bits of the function that computes it alone. The options are checked when
 * the scorer is made.
 */
export class CaseScorer {
  readonly #classes: number;
  /** The layouts that differ, and which of them every histogram has. */
  readonly #layouts: readonly BinLayout[];
  readonly #layoutOf: readonly number[];
  readonly #floors: number;
  readonly #confusion: boolean;
  readonly #definitions: readonly CaseSurfaceDefinition[];
  readonly #rings: readonly BoundaryLayout[];
  readonly #ignore: number | undefined;
  readonly #temperature: boolean;
  readonly #lesions: LesionSettings | undefined;
  readonly #centerlines: boolean;
  readonly #hashes: boolean;
  readonly #plan: CasePlan;
  readonly #blocks = new WeakMap<CaseScores, Float64Array>();

  constructor(options: CaseScorerOptions) {
    checkMetricOptions(options, names);
    const { classes, ignore, confusion = false, hashes = false, sums } = options;
    const { temperature = false, lesions, centerlines = false } = options;
    checkSums(sums);
    const histograms = listOf("histograms", options.histograms);
    const floors = listOf("floors", options.floors);
    const surfaces = listOf("surfaces", options.surfaces);
    const rings = listOf("rings", options.rings);
    floors.forEach(checkFloor);
    checkBoolean("confusion", confusion);
    checkBoolean("hashes", hashes);
    checkBoolean("temperature", temperature);
    checkBoolean("centerlines", centerlines);
    if (lesions !== undefined) checkOptions("lesions", lesions, lesionNames);
    this.#classes = classes;
    const bins = histograms.map((each, i) => histogramPart(`histograms[${i}]`, each, classes));
    const differing = new Map(bins.map((part) => [JSON.stringify(part), part]));
    this.#layouts = [...differing.values()].map(({ layout }) => layout);
    this.#layoutOf = bins.map((part) => [...differing.keys()].indexOf(JSON.stringify(part)));
    this.#floors = floors.length;
    this.#confusion = confusion;
    this.#definitions = surfaces.map((each, i) => surfaceDefinition(`surfaces[${i}]`, each, classes));
    this.#rings = rings.map((each, i) => {
      checkOptions(`rings[${i}]`, each, ringNames);
      return boundaryLayout(each, classes);
    });
    this.#ignore = ignore;
    this.#temperature = temperature;
    this.#lesions = lesions && lesionSettings(lesions);
    this.#centerlines = centerlines;
    this.#hashes = hashes;
    const parts = [
      ...differing.values(),
      ...floors.map((floor): CasePart => ({ kind: "proper", floor })),
      ...(confusion ? [{ kind: "confusion" } as const] : []),
      ...this.#definitions.map((definition): CasePart => ({ kind: "surfaces", definition })),
      ...this.#rings.map((layout): CasePart => ({ kind: "rings", layout })),
      ...(temperature ? [{ kind: "temperature" } as const] : []),
      ...(hashes ? [{ kind: "hash" } as const] : []),
    ];
    this.#plan = new CasePlan(classes, ignore, parts, sums);
  }

  /**
   * Scores probabilities `[N, C, ...spatial]` against labels `[N, ...spatial]`. Without histograms and floors
   * any values but NaN may stand for probabilities. `spacing` is for surfaces, rings and lesions.
   */
  async score(probs: Probabilities, labels: Labels, options: MetricUpdateOptions = {}): Promise<CaseScores> {
    checkOptions("options", options, scoreNames);
    checkSignal(options.signal);
    const components = this.#components(labels);
    const { parts, lesions, block } = await this.#plan.score(probs, labels, options, components);
    const found = parts.values();
    const next = (): Float64Array => found.next().value!;
    const classes = this.#classes;
    const histograms = this.#layouts.map((layout) => histogramOf(layout, next()));
    const scores: CaseScores = {
      histograms: this.#layoutOf.map((i) => histograms[i]!),
      proper: Array.from({ length: this.#floors }, () => properOf(classes, next())),
      confusion: this.#confusion ? confusionOf(classes, next()) : undefined,
      surfaces: this.#definitions.map(({ regions }) => surfacesOf(regions.length, next())),
      rings: this.#rings.map((layout) => ringBins(layout, next())),
      temperature: this.#temperature ? next() : undefined,
      lesions: this.#lesions ? await this.#lesionScores(lesions, this.#lesions, probs, labels, options) : [],
      centerlines: this.#centerlines
        ? byRegion(lesions, labels.dims[0]!, ({ centerline }) => centerlineOf(centerline))
        : [],
      hashes: this.#hashes ? hashesOf(next()) : [],
    };
    this.#blocks.set(scores, block);
    return scores;
  }

  /**
   * Gives the memory of scores to a later case; none of their arrays may be used any more. Throws for scores
   * of another scorer, and for those that were given back.
   */
  recycle(scores: CaseScores): void {
    const block = this.#blocks.get(scores);
    if (block === undefined) throw invalidArgument("scores", "scores of this scorer, once", scores);
    this.#blocks.delete(scores);
    this.#plan.give({ block });
  }

  /** Returns what a case's lesions and centrelines are made of; undefined if neither is wanted. */
  #components(labels: Labels): CaseLesionsOptions | undefined {
    if (this.#lesions === undefined && !this.#centerlines) return undefined;
    const form = this.#lesions && lesionForm(this.#lesions, labels.dims.length - 1);
    return {
      regions: foreground(this.#classes),
      centerlines: this.#centerlines,
      components: form !== undefined,
      confidence: form !== undefined,
      touching: form?.touching,
      connectivity: form && connectivityAxes[form.connectivity],
      grow: form?.grow,
    };
  }

  #lesionScores(
    tables: readonly NativeTable[],
    settings: LesionSettings,
    probs: Probabilities,
    labels: Labels,
    { spacing, signal }: MetricUpdateOptions,
  ): Promise<readonly (readonly LesionScores[])[]> {
    const { connectivity, grow } = lesionForm(settings, labels.dims.length - 1);
    return lesionScoresOf(tables, settings, {
      predicted: () => argMax(probs, { signal }),
      labels,
      classes: this.#classes,
      ignore: this.#ignore,
      spacing,
      signal,
      connectivity,
      grow,
    });
  }
}

/** Returns every class but 0 as a region. */
const foreground = (classes: number): readonly (readonly number[])[] =>
  Array.from({ length: classes - 1 }, (_, c) => [c + 1]);

function histogramPart(
  argument: string,
  options: CaseHistogram,
  classes: number,
): Extract<CasePart, { readonly kind: "histogram" }> {
  checkOptions(argument, options, binNames);
  const { pixels = "all", ...bins } = options;
  checkChoice(`${argument}.pixels`, pixels, ["all", "objects"]);
  if (pixels === "objects" && bins.squares)
    throw new InvalidArgumentError(argument, `${argument}: pixels "objects" does not work with squares`);
  return { kind: "histogram", layout: binLayout(bins, classes), objects: pixels === "objects" };
}

function checkSums(sums: readonly [number, number] | undefined): void {
  if (sums === undefined) return;
  const fit = Array.isArray(sums) && sums.length === 2 && sums.every(Number.isFinite);
  if (!fit) throw invalidArgument("sums", "two finite numbers", sums);
}

function surfaceDefinition(argument: string, options: CaseSurfaces, classes: number): CaseSurfaceDefinition {
  checkOptions(argument, options, surfaceNames);
  const { regions, tolerance = 1, ...definition } = options;
  checkRegions(regions, classes);
  checkTolerances(tolerance, regions.length);
  return { ...checkSurfaceDefinition(definition), tolerance, regions };
}

function properOf(classes: number, sums: Float64Array): ProbabilityScores {
  const [total = 0, brierSum = 0, logLossSum = 0, bounded = 0] = sums;
  return { classes, total, brierSum, logLossSum, bounded };
}

function confusionOf(classes: number, data: Float64Array): Tensor<"float64"> {
  return { type: "float64", dims: [data.length / classes ** 2, classes, classes], data };
}

function hashesOf(words: Float64Array): readonly string[] {
  return Array.from({ length: words.length / 8 }, (_, i) => hashOfWords(words.subarray(8 * i, 8 * i + 8)));
}

function surfacesOf(regions: number, numbers: Float64Array): readonly (readonly SurfaceDistances[])[] {
  const width = surfaceMeasures.length;
  const region = (at: number): SurfaceDistances => ({
    hd: numbers[at]!,
    hd95: numbers[at + 1]!,
    hdPercentile: numbers[at + 2]!,
    assd: numbers[at + 3]!,
    nsd: numbers[at + 4]!,
    aToB: numbers[at + 5]!,
    bToA: numbers[at + 6]!,
  });
  const images = regions === 0 ? 0 : numbers.length / (regions * width);
  return Array.from({ length: images }, (_, image) =>
    Array.from({ length: regions }, (_, i) => region((image * regions + i) * width)),
  );
}
