import type { GridOptions } from "@pixelcal/native";
import { checkInteger } from "./check.js";
import { invalidArgument } from "./errors.js";
import { elementCount } from "./tensor.js";

/** How many trailing dimensions of a mask are spatial: those given, else all but the first, which must be 2 or 3. Throws. */
export function spatialDimensions(given: number | undefined, rank: number): number {
  const dimensions = given === undefined ? rank - 1 : given;
  if (given === undefined && (dimensions < 2 || dimensions > 3)) {
    throw invalidArgument("mask", "rank 3 or 4, or the option dimensions", `rank ${rank}`);
  }
  checkInteger("dimensions", dimensions, 1, Math.min(3, rank));
  return dimensions;
}

/** The last `dimensions` of `dims` as images, all others as their batch. */
export function trailingGrid(dims: readonly number[], dimensions: number): GridOptions {
  return { batch: elementCount(dims.slice(0, -dimensions)), size: dims.slice(-dimensions) };
}
