import type { UnlabelledPixels } from "@pixelcal/native";
import { call, native } from "../binding.js";
import { type LocalFilters, localScales } from "./local-filters.js";
import type { CaseRange, PixelBlock } from "./pixel-source.js";

/** The cells of pixels that a calibrator looks at: all in cell 0, or those of one of these. */
export interface Placement {
  /** Whether they are the cells by distance that the pixels come with. */
  readonly byDistance?: boolean;
  /** The knots of ln H between which pixels lie. */
  readonly knots?: Float64Array;
  /** The classifier that says which pixels are wrong: cell 1. */
  readonly classifier?: Float64Array;
  /** Whether every case is a cell of its own. */
  readonly byCase?: boolean;
  /** Filters whose outputs scale the logits of each pixel. */
  readonly local?: LocalFilters;
}

/** The places of pixels as the kernels take them. */
export interface Places {
  readonly cells?: Uint16Array;
  readonly fractions?: Float32Array;
  /** The factor of each pixel's logits. */
  readonly fields?: Float32Array;
}

/** Returns the places of all pixels of an image, unless distance or case decide them. */
export async function placesOfImage(
  placement: Placement,
  image: UnlabelledPixels & { readonly size: readonly number[] },
  signal?: AbortSignal,
): Promise<Places> {
  const { local } = placement;
  if (local !== undefined) return { fields: await localScales(local, image, { signal }) };
  return placesOfLogits(placement, image, signal);
}

/** Returns the places that the logits of each pixel decide. */
async function placesOfLogits(
  { knots, classifier }: Placement,
  { logits, classes, pixels }: UnlabelledPixels,
  signal?: AbortSignal,
): Promise<Places> {
  const request = { logits, classes, pixels };
  if (knots !== undefined) return call(native.entropyPlaces, { ...request, knots }, signal);
  if (classifier === undefined) return {};
  return { cells: await call(native.wrongnessCells, { ...request, classifier }, signal) };
}

// Kept pixels are placed once for all the steps of a fit.
const known = new WeakMap<PixelBlock, Map<Float64Array, Places>>();

/** Returns the places of the pixels of a block. */
export async function placesOf(
  placement: Placement,
  block: PixelBlock,
  ranges: readonly CaseRange[],
  signal?: AbortSignal,
): Promise<Places> {
  if (placement.byDistance) return { cells: block.cells };
  if (placement.byCase) {
    const cells = new Uint16Array(block.pixels);
    for (const { index, begin, end } of ranges) cells.fill(index, begin, end);
    return { cells };
  }
  if (placement.local !== undefined)
    return { fields: await fieldsOf(placement.local, block, ranges, signal) };
  const key = placement.knots ?? placement.classifier;
  if (key === undefined) return {};
  const found = known.get(block)?.get(key);
  if (found !== undefined) return found;
  const places = await placesOfLogits(placement, block, signal);
  known.set(block, (known.get(block) ?? new Map()).set(key, places));
  return places;
}

/** Filters the images of the ranges, which are read again, at the pixels of a block. */
async function fieldsOf(
  local: LocalFilters,
  { pixels, at, imageOf }: PixelBlock,
  ranges: readonly CaseRange[],
  signal?: AbortSignal,
): Promise<Float32Array> {
  const fields = new Float32Array(pixels);
  for (const { index, begin, end } of ranges) {
    const { dims, data } = await imageOf!(index);
    const image = { logits: data, classes: dims[1]!, size: dims.slice(2) };
    fields.set(await localScales(local, image, { at: at!.subarray(begin, end), signal }), begin);
  }
  return fields;
}
