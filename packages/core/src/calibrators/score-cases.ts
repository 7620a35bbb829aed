import { call, native } from "../binding.js";
import type { Calibrator } from "./calibrator.js";
import type { LoadedPixels } from "./fit-pixels.js";
import { forwardForm } from "./forward-form.js";
import { flatRanges, type PixelSource } from "./pixel-source.js";
import { placesOf } from "./placement.js";

/** The weight and the loss of each case under a calibrator, by its index; 0 for cases left out. */
export interface CaseLosses {
  readonly weight: Float64Array;
  readonly loss: Float64Array;
}

/** Sums the negative log-likelihood of every case under each calibrator, in one pass. */
export async function caseLosses(
  calibrators: readonly Calibrator[],
  pixels: PixelSource,
  { groups, measures }: Pick<LoadedPixels, "groups" | "measures">,
  { cases, signal }: { readonly cases?: readonly number[]; readonly signal?: AbortSignal } = {},
): Promise<CaseLosses[]> {
  const all = calibrators.map(({ name, parameters, classes }) => {
    const forward = forwardForm(name, parameters, classes);
    const { imageScale } = forward;
    const scales = imageScale && Float64Array.from(measures, imageScale);
    const losses = { weight: new Float64Array(groups.length), loss: new Float64Array(groups.length) };
    return { ...forward, ...(scales && { scales }), losses };
  });
  await pixels.visit(cases, async (block, ranges) => {
    const { cells: _, ...rest } = block;
    for (const { form, placement, scales, losses } of all) {
      const places = await placesOf(placement, block, ranges, signal);
      const request = { ...rest, ...places, ...form, ...(scales && { scales }), ranges: flatRanges(ranges) };
      const sums = await call(native.calibratedLoss, request, signal);
      for (const [i, { index }] of ranges.entries()) {
        losses.weight[index]! += sums[2 * i]!;
        losses.loss[index]! += sums[2 * i + 1]!;
      }
    }
  });
  return all.map(({ losses }) => losses);
}
