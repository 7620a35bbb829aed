import { checkChoice, checkLabels, checkSpacing } from "../check.js";
import { checkDims } from "../probability-maps.js";
import type { Labels, Probabilities, Tensor } from "../tensor.js";
import { Accumulator } from "./accumulator.js";
import { type CaseStatistics, CaseSums } from "./metric.js";
import { argMax } from "./overlap.js";
import { checkSurfaceDefinition, type SurfaceDefinition, surfaceDistances } from "./surface-distance.js";

const regionChoices = ["foreground", "classes", "both"] as const;
const measures = ["hd", "hd95", "assd", "nsd"] as const;

export interface SurfaceDistanceMetricOptions extends SurfaceDefinition {
  readonly classes: number;
  /** Measured: all classes but 0 as one region, each class but 0, or both (default). */
  readonly regions?: (typeof regionChoices)[number];
  /** Physical size of a pixel where `update` is not told; default ones. */
  readonly spacing?: readonly number[];
}

export type RegionSurfaces = { readonly [M in (typeof measures)[number]]: CaseStatistics };

export interface SurfaceDistanceResult {
  readonly cases: number;
  /** By class; undefined for class 0 and where not measured. */
  readonly classes: readonly (RegionSurfaces | undefined)[];
  readonly foreground: RegionSurfaces | undefined;
}

/**
 * Surface distances of the arg-max against the labels, per class and of the foreground, over cases. Cases with an empty
 * mask are infinite or undefined as `empty` says, and are counted, never dropped silently.
 */
export class SurfaceDistanceMetric extends Accumulator<SurfaceDistanceResult, SurfaceDistanceMetricOptions> {
  protected override readonly kind: string = "SurfaceDistanceMetric";
  constructor(options: SurfaceDistanceMetricOptions) {
    Accumulator.checkOptions(options);
    const { classes, regions = "both", spacing } = options;
    checkChoice("regions", regions, regionChoices);
    if (spacing !== undefined) checkSpacing(spacing, spacing.length);
    const definition = checkSurfaceDefinition(options);
    super({ classes, regions, spacing, ...definition }, 1 + classes * measures.length * CaseSums.length);
  }

  static restore(state: Uint8Array): SurfaceDistanceMetric {
    const make = (options: SurfaceDistanceMetricOptions): SurfaceDistanceMetric =>
      new SurfaceDistanceMetric(options);
    return Accumulator.restored("SurfaceDistanceMetric", state, make);
  }

  async update(
    probs: Probabilities,
    labels: Labels,
    { spacing = this.options.spacing }: { readonly spacing?: readonly number[] } = {},
  ): Promise<void> {
    this.checkProbs(probs);
    checkLabels(labels);
    const predicted = await argMax(probs);
    checkDims("labels", labels, predicted.dims);
    const found = await Promise.all(
      this.#regions().map((region) =>
        surfaceDistances(maskOf(predicted, region), maskOf(labels, region), { ...this.options, spacing }),
      ),
    );
    this.sums[0]! += labels.dims[0]!;
    this.#regions().forEach((region, i) => {
      for (const distances of found[i]!) {
        measures.forEach((measure, m) => void CaseSums.add(this.sums, at(region, m), distances[measure]));
      }
    });
  }

  compute(): SurfaceDistanceResult {
    const measured = new Set(this.#regions());
    const region = (index: number): RegionSurfaces | undefined =>
      measured.has(index)
        ? (Object.fromEntries(
            measures.map((measure, m) => [measure, CaseSums.statistics(this.sums, at(index, m))]),
          ) as RegionSurfaces)
        : undefined;
    const classes = Array.from({ length: this.options.classes }, (_, c) => (c === 0 ? undefined : region(c)));
    return { cases: this.sums[0]!, classes, foreground: region(foreground) };
  }

  #regions(): readonly number[] {
    const { classes, regions } = this.options;
    const each = Array.from({ length: classes - 1 }, (_, c) => c + 1);
    if (regions === "classes") return each;
    return regions === "foreground" ? [foreground] : [foreground, ...each];
  }
}

// The foreground takes the place of class 0, which is never measured alone.
const foreground = 0;

function at(region: number, measure: number): number {
  return 1 + (region * measures.length + measure) * CaseSums.length;
}

function maskOf(labels: Labels, region: number): Tensor<"uint8"> {
  const { data } = labels;
  const mask = new Uint8Array(data.length);
  if (data instanceof BigInt64Array) {
    const label = BigInt(region);
    for (let i = 0; i < mask.length; i++) mask[i] = (region === foreground) !== (data[i] === label) ? 1 : 0;
  } else {
    for (let i = 0; i < mask.length; i++) mask[i] = (region === foreground) !== (data[i] === region) ? 1 : 0;
  }
  return { type: "uint8", data: mask, dims: labels.dims };
}
