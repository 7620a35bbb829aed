import { call, native } from "../binding.js";
import type { SignalOption } from "../device.js";
import { fitTemperature } from "./fit-scales.js";
import { descend } from "./lbfgs.js";
import { filterTaps, nestedFilters } from "./local-filters.js";
import type { CalibratorParameters } from "./parameters.js";
import { flatRanges, type PixelSource, sumBlocks } from "./pixel-source.js";

/** The weight of the ridge without `lambda`. */
const localLambda = 1e-2;

export interface LocalProblem extends SignalOption {
  readonly cases: readonly number[];
  readonly classes: number;
  /** The number of spatial axes. */
  readonly rank: number;
  readonly lambda?: number;
}

/**
 * Fits the filters of local-temperature on pixels with their neighbourhoods: it descends from where both
 * temperatures are the fitted one, and the gate tells background from the rest, on mean NLL + (lambda / 2)
 * |filters - start|^2. From the zeros of its authors the gate would never move, as both temperatures stay
 * equal.
 */
export async function fitLocal(
  patches: PixelSource,
  { cases, classes, rank, lambda = localLambda, signal }: LocalProblem,
): Promise<CalibratorParameters["local-temperature"]> {
  const scale = await fitTemperature(patches, cases, { ...(signal && { signal }) });
  const { taps, dilation } = filterTaps(rank);
  const each = taps ** rank;
  const inputs = classes * each;
  const start = new Float64Array(3 * (inputs + 1));
  start[inputs] = 1 / scale - 1;
  start[2 * inputs + 1] = 1 / scale - 1;
  start.fill(scale / each, 2 * (inputs + 1), 2 * (inputs + 1) + each);
  const { x } = await descend(async (filters) => {
    const sums = await sumBlocks(patches, cases, 2 + filters.length, ({ cells: _, ...block }, ranges) => {
      const request = {
        ...block,
        neighbourhoods: block.neighbourhoods!,
        filters,
        ranges: flatRanges(ranges),
      };
      return call(native.localSums, request, signal);
    });
    const total = Math.max(sums[0]!, Number.MIN_VALUE);
    let value = sums[1]! / total;
    const gradient = sums.slice(2);
    for (const [i, sum] of gradient.entries()) {
      const off = filters[i]! - start[i]!;
      value += (lambda / 2) * off * off;
      gradient[i] = sum / total + lambda * off;
    }
    return { value, gradient };
  }, start);
  return nestedFilters({ taps, dilation, filters: x }, classes);
}
