import { checkChoice, checkSpacing } from "../check.js";
import { optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Probabilities } from "../tensor.js";
import { Accumulator, checkMetricOptions, type StateContent } from "./accumulator.js";
import { type CasePart, surfaceMeasures } from "./case-plan.js";
import { CaseSums, oldSeriesLength, withDigits } from "./case-statistics.js";
import type { CaseStatistics, MetricUpdateOptions } from "./metric.js";
import { checkCounts, type MetricJson, stateBytes } from "./metric-state.js";
import type { ScoredCase } from "./scored-case.js";
import {
  checkSurfaceDefinition,
  checkTolerances,
  definitionNames,
  type SurfaceDefinition,
} from "./surface-definition.js";

const regionChoices = ["foreground", "classes", "both"] as const;
// The first of the numbers of a region.
const measures = ["hd", "hd95", "hdPercentile", "assd", "nsd"] as const;

export interface SurfaceDistanceMetricOptions extends Omit<SurfaceDefinition, "tolerance"> {
  readonly classes: number;
  /** The measured regions: all classes but 0 as one region, each class but 0, or both (default). */
  readonly regions?: (typeof regionChoices)[number];
  /** The label of pixels that are in no region and that cause no surface, as in `labelSurfaceDistances`. */
  readonly ignore?: number;
  /**
   * The tolerance of every region, or one per measured region: the foreground first, then class 1 and so on;
   * default 1.
   */
  readonly tolerance?: number | readonly number[];
  /** The physical size of a pixel where `update` gets none; default ones. */
  readonly spacing?: readonly number[];
}

const known = optionNames<SurfaceDistanceMetricOptions>({
  classes: true,
  regions: true,
  ignore: true,
  ...definitionNames,
  spacing: true,
});
const knownOfUpdate = optionNames<MetricUpdateOptions>({ signal: true, spacing: true });

export type RegionSurfaces = { readonly [M in (typeof measures)[number]]: CaseStatistics };

export interface SurfaceDistanceResult {
  readonly cases: number;
  /** The measures by class; undefined for class 0 and where not measured. */
  readonly classes: readonly (RegionSurfaces | undefined)[];
  readonly foreground: RegionSurfaces | undefined;
}

/**
 * The surface distances of the arg-max against the labels, per class and of the foreground, over cases.
 * `bothEmpty` and `oneEmpty` decide whether a case with an empty mask is infinite, undefined or a number;
 * infinite and undefined cases are counted beside every mean. Labels that are neither a class nor `ignore`
 * are errors. Any order and any split into partial states gives the same bytes.
 */
export class SurfaceDistanceMetric extends Accumulator<SurfaceDistanceResult, SurfaceDistanceMetricOptions> {
  protected override readonly kind: string = "SurfaceDistanceMetric";
  protected override readonly updateNames: ReadonlySet<string> = knownOfUpdate;
  readonly #part: CasePart;

  constructor(options: SurfaceDistanceMetricOptions) {
    checkMetricOptions(options, known);
    const { classes, regions = "both", ignore, spacing, tolerance = 1, ...definition } = options;
    checkChoice("regions", regions, regionChoices);
    checkTolerances(tolerance, regionsOf(classes, regions).length);
    checkSpacing(spacing);
    // A list of one value for all regions means the same as the value.
    const same =
      typeof tolerance !== "number" &&
      tolerance.length > 0 &&
      tolerance.every((each) => each === tolerance[0]);
    const whole = { ...checkSurfaceDefinition(definition), tolerance: same ? tolerance[0]! : tolerance };
    super({ classes, regions, ignore, spacing, ...whole }, 1 + classes * measures.length * CaseSums.length);
    const sets = regionsOf(classes, regions).map((region) =>
      region === foreground ? foregroundOf(classes) : [region],
    );
    this.#part = { kind: "surfaces", definition: { regions: sets, spacing, ...whole } };
  }

  static restore(state: Uint8Array): SurfaceDistanceMetric {
    const make = (options: SurfaceDistanceMetricOptions): SurfaceDistanceMetric =>
      new SurfaceDistanceMetric(options);
    return Accumulator.restored("SurfaceDistanceMetric", state, make, {
      fromOne: withPercentile,
      fromTwo: ({ sums }) => withDigits(sums, 1),
    });
  }

  static fromJSON(json: MetricJson): SurfaceDistanceMetric {
    return SurfaceDistanceMetric.restore(stateBytes("SurfaceDistanceMetric", json));
  }

  protected override checkSums(sums: Float64Array): void {
    checkCounts(sums, 0, 1);
    for (let at = 1; at < sums.length; at += CaseSums.length) CaseSums.check(sums, at);
  }

  override update(probs: Probabilities, labels: Labels, options: MetricUpdateOptions = {}): Promise<void> {
    return super.update(probs, labels, options);
  }

  override async measure(scored: ScoredCase): Promise<() => void> {
    this.checkProbs(scored.probs);
    const found = await scored.part(this.#part, this.options);
    return () => this.#add(found);
  }

  override merge(other: this): void {
    this.checkMerge(other);
    this.sums[0]! += other.sums[0]!;
    for (let at = 1; at < this.sums.length; at += CaseSums.length) CaseSums.merge(this.sums, other.sums, at);
  }

  #add(found: Float64Array): void {
    const regions = this.#regions();
    const width = surfaceMeasures.length;
    this.sums[0]! += found.length / (regions.length * width);
    for (let begin = 0; begin < found.length; begin += regions.length * width) {
      regions.forEach((region, i) => {
        // The first of the numbers are those that are kept.
        measures.forEach(
          (_, m) => void CaseSums.add(this.sums, at(region, m), found[begin + i * width + m]!),
        );
      });
    }
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
    return regionsOf(this.options.classes, this.options.regions);
  }
}

// The foreground takes the place of class 0, which is never measured alone.
const foreground = 0;

function regionsOf(classes: number, regions: SurfaceDistanceMetricOptions["regions"]): readonly number[] {
  if (regions === "classes") return foregroundOf(classes);
  return regions === "foreground" ? [foreground] : [foreground, ...foregroundOf(classes)];
}

function foregroundOf(classes: number): readonly number[] {
  return Array.from({ length: classes - 1 }, (_, c) => c + 1);
}

function at(region: number, measure: number): number {
  return 1 + (region * measures.length + measure) * CaseSums.length;
}

// Version 1 had the 95th percentile alone, which is the default of `percentile`.
function withPercentile({ options, sums }: StateContent): StateContent {
  const old = ["hd", "hd95", "assd", "nsd"] as const;
  const regions = (sums.length - 1) / (old.length * oldSeriesLength);
  if (!Number.isInteger(regions))
    throw invalidArgument("state", "sums of 4 measures per region", sums.length);
  const upgraded = new Float64Array(1 + regions * measures.length * oldSeriesLength);
  upgraded[0] = sums[0]!;
  for (let region = 0; region < regions; region++) {
    measures.forEach((measure, m) => {
      const from =
        1 +
        (region * old.length + old.indexOf(measure === "hdPercentile" ? "hd95" : measure)) * oldSeriesLength;
      upgraded.set(
        sums.subarray(from, from + oldSeriesLength),
        1 + (region * measures.length + m) * oldSeriesLength,
      );
    });
  }
  return { options, sums: upgraded };
}
