import type { GridOptions } from "@pixelcal/native";
import { checkInteger } from "./check.js";
import { invalidArgument } from "./errors.js";
import { elementCount } from "./tensor.js";

/**
 * Returns the number of trailing dimensions of a mask that are spatial: `given`, else all but the first.
 * Throws unless it is 1 to 3 and, when not given, 2 or 3.
 */
export function spatialDimensions(given: number | undefined, rank: number): number {
  const dimensions = given === undefined ? rank - 1 : given;
  if (given === undefined && (dimensions < 2 || dimensions > 3)) {
    throw invalidArgument("mask", "rank 3 or 4, or the option dimensions", `rank ${rank}`);
  }
  checkInteger("dimensions", dimensions, 1, Math.min(3, rank));
  return dimensions;
}

/**
 * Splits `dims` into the size of an image, the last `dimensions`, and their batch, the product of the others.
 */
export function trailingGrid(dims: readonly number[], dimensions: number): GridOptions {
  return { batch: elementCount(dims.slice(0, -dimensions)), size: dims.slice(-dimensions) };
}
