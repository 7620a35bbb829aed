import type {
  CaseLesionsOptions,
  LabelSurfaceDefinition,
  CaseScoresOptions as NativeRequest,
  LesionTable as NativeTable,
} from "@pixelcal/native";
import { call, callSync, native } from "../binding.js";
import { checkSpacing } from "../check.js";
import { invalidArgument } from "../errors.js";
import { type BinLayout, histogramLength } from "../kernels/bins.js";
import { type BoundaryLayout, sumLengths } from "../kernels/boundary-bins.js";
import { nativeRings } from "../kernels/boundary-calibration.js";
import { nativeHistogram } from "../kernels/calibration-bins.js";
import { hashText } from "../kernels/label-hash.js";
import { probabilityMaps } from "../kernels/probability-maps.js";
import type { Labels, Probabilities } from "../tensor.js";
import type { MetricUpdateOptions } from "./metric.js";
import { temperatureSketchLength } from "./temperature.js";

/** The number of sums of proper scores for one floor: total, Brier score, log loss and bounded pixels. */
const properSums = 4;

/** The numbers of 32 bits of a hash. */
const hashWords = 8;

/** The measures of a region's surfaces, in the order of their numbers. */
export const surfaceMeasures = ["hd", "hd95", "hdPercentile", "assd", "nsd", "aToB", "bToA"] as const;

/** A definition of surface distances with every default filled in. */
export type CaseSurfaceDefinition = LabelSurfaceDefinition &
  Required<Pick<LabelSurfaceDefinition, "convention">>;

/** One result of a pass over a case's probabilities: a block of numbers in the order of the native kernel. */
export type CasePart =
  | { readonly kind: "histogram"; readonly layout: BinLayout; readonly objects?: boolean }
  | { readonly kind: "proper"; readonly floor: number }
  | { readonly kind: "confusion" }
  | { readonly kind: "surfaces"; readonly definition: CaseSurfaceDefinition }
  | { readonly kind: "rings"; readonly layout: BoundaryLayout }
  | { readonly kind: "temperature" }
  | { readonly kind: "hash" };

type Kind = CasePart["kind"];
const order: readonly Kind[] = [
  "histogram",
  "proper",
  "confusion",
  "surfaces",
  "rings",
  "temperature",
  "hash",
];

/** The numbers of every part, in the order of the parts, and the tables of lesions by image and region. */
export interface CaseFindings {
  /** Views of one ArrayBuffer. */
  readonly parts: readonly Float64Array[];
  readonly lesions: readonly NativeTable[];
  /** All numbers. */
  readonly block: Float64Array;
}

/** The number of blocks that a plan keeps, each for a case that is scored at the same time. */
const mostBlocks = 4;

/**
 * The parts that cases of `classes` classes are scored by, all in one native call per case. Made once, so
 * that a case costs the calling thread little.
 */
export class CasePlan {
  readonly #classes: number;
  readonly #parts: readonly CasePart[];
  readonly #request: Pick<
    NativeRequest,
    "ignore" | "histograms" | "floors" | "confusion" | "surfaces" | "sums" | "rings" | "temperature"
  >;
  readonly #hash: boolean;
  /** The blocks of numbers that were given back. */
  readonly #free: Float64Array[] = [];

  /** Sums over the classes outside of the closed range `sums` are an error, but for ignored pixels. */
  constructor(
    classes: number,
    ignore: number | undefined,
    parts: readonly CasePart[],
    sums?: readonly [number, number],
  ) {
    const of = <K extends Kind>(kind: K): Extract<CasePart, { readonly kind: K }>[] =>
      parts.filter((part): part is Extract<CasePart, { readonly kind: K }> => part.kind === kind);
    const histograms = of("histogram").map(({ layout, objects }) => nativeHistogram(layout, objects));
    this.#classes = classes;
    this.#parts = parts;
    this.#request = {
      ignore,
      histograms: callSync(() => native.histogramPlanSync({ histograms })),
      floors: of("proper").map(({ floor }) => floor),
      confusion: of("confusion").length > 0,
      surfaces: of("surfaces").map(({ definition }) => definition),
      sums,
      rings: of("rings").map(({ layout }) => nativeRings(layout)),
      temperature: of("temperature").length > 0,
    };
    this.#hash = of("hash").length > 0;
  }

  /** Returns the numbers of every part and the lesions of a case. */
  async score(
    probs: Probabilities,
    labels: Labels,
    { spacing, signal }: MetricUpdateOptions = {},
    lesions?: CaseLesionsOptions,
  ): Promise<CaseFindings> {
    const { ignore, histograms, floors, confusion, surfaces, sums, rings, temperature } = this.#request;
    const maps = probabilityMaps(probs, labels, { ignore, signal });
    const { batch = 1, classes } = maps;
    if (classes !== this.#classes) throw invalidArgument("probs", `${this.#classes} classes`, classes);
    const size = labels.dims.slice(1);
    if (surfaces.length > 0 || rings!.length > 0 || lesions !== undefined) this.#checkSurfaces(size, spacing);
    // Fields are named one by one, because V8 reads objects that start with a spread slowly.
    const request = {
      probs: maps.probs,
      labels: maps.labels,
      batch,
      classes,
      size,
      ignore,
      histograms,
      floors,
      confusion,
      surfaces,
      sums,
      spacing,
      rings,
      temperature,
      lesions: lesions && [lesions],
      hash: this.#hash ? hashText(size) : undefined,
      out: this.#takeBlock(batch),
    };
    const found = await call(native.caseScores, request, signal);
    return {
      parts: this.#split(batch, found.numbers),
      lesions: found.lesions[0] ?? [],
      block: found.numbers,
    };
  }

  /** Keeps the block of findings for a later case: fresh memory makes garbage collections frequent. */
  give({ block }: Pick<CaseFindings, "block">): void {
    if (this.#free.length < mostBlocks) this.#free.push(block);
  }

  #takeBlock(batch: number): Float64Array | undefined {
    const block = this.#free.pop();
    const length = this.#parts.reduce((sum, part) => sum + this.#length(part, batch), 0);
    return block?.length === length ? block : undefined;
  }

  #checkSurfaces(size: readonly number[], spacing: readonly number[] | undefined): void {
    checkSpacing(spacing, size.length);
    for (const { convention, spacing: own } of this.#request.surfaces) {
      if (spacing === undefined) checkSpacing(own, size.length);
      if (convention === "deepmind" && size.length === 1)
        throw invalidArgument("labels", '2 or 3 spatial dimensions with convention "deepmind"', size.length);
    }
  }

  #split(batch: number, numbers: Float64Array): readonly Float64Array[] {
    const found: Float64Array[] = [];
    let [at, confusion] = [0, -1];
    for (const kind of order) {
      this.#parts.forEach((part, i) => {
        if (part.kind !== kind) return;
        const begin = kind === "confusion" && confusion >= 0 ? confusion : at;
        const end = begin + this.#length(part, batch);
        if (kind === "confusion") confusion = begin;
        at = end;
        found[i] = numbers.subarray(begin, end);
      });
    }
    return found;
  }

  #length(part: CasePart, batch: number): number {
    switch (part.kind) {
      case "histogram":
        return histogramLength(part.layout);
      case "proper":
        return properSums;
      case "confusion":
        return batch * this.#classes ** 2;
      case "surfaces":
        return batch * part.definition.regions.length * surfaceMeasures.length;
      case "rings":
        return sumLengths(part.layout).reduce((sum, length) => sum + length, 0);
      case "temperature":
        return temperatureSketchLength;
      case "hash":
        return batch * hashWords;
    }
  }
}
