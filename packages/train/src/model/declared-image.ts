import { sameDims } from "@pixelcal/core";
import type { DeclaredValue, Graph } from "@pixelcal/graph";
import { type CanonicalOptions, canonicalAxes } from "./canonical.js";
import { imageAmong } from "./further-inputs.js";

const usualSizes: Readonly<Record<number, number>> = { 1: 256, 2: 128, 3: 32 };

/**
 * Returns the dims [N, C, ...spatial] of the image that a file declares, with sizes where it leaves them
 * open.
 */
export function imageSize(
  inputs: readonly DeclaredValue[],
  { channelAxis = 1, channels, inputs: values }: CanonicalOptions,
): { readonly dims: readonly number[]; readonly chosen: boolean } {
  const declared = imageAmong(inputs, values).dims ?? ["N", 1, "H", "W"];
  const rank = declared.length;
  const axis = channelAxis < 0 ? channelAxis + rank : channelAxis;
  const size = usualSizes[rank - 2] ?? 32;
  const given = canonicalAxes(rank, axis).map((at) => declared[at]);
  const isGiven = (dim: number | string | undefined): dim is number => typeof dim === "number" && dim > 0;
  const sizes = given.map((dim, i) => (isGiven(dim) ? dim : i < 2 ? 1 : size));
  const dims = channels === "repeat" ? sizes.with(1, 1) : sizes;
  return { dims, chosen: given.some((dim, i) => i > 0 && !isGiven(dim)) };
}

/** Returns the only output that can be logits, or the first of them that has the image's size. */
export function mainOutput(
  model: Graph,
  dims: readonly number[],
  { classAxis = 1 }: CanonicalOptions,
): string {
  const size = dims.slice(2);
  const fits = [...model.outputs].filter(([, value]) => {
    const axis = classAxis < 0 ? classAxis + value.dims.length : classAxis;
    return sameDims(
      value.dims.filter((_, i) => i > 0 && i !== axis),
      size,
    );
  });
  return (fits[0] ?? [...model.outputs][0]!)[0];
}
