import type { Grid } from "./volume.js";

/**
 * Returns a volume of one slice as an image of `rank` axes, as formats give images a third axis, and with
 * channels must; other volumes as they are.
 */
export function sliceOf<T extends Grid>(volume: T, rank: number): T {
  const { shape, spacing, direction } = volume;
  if (shape.length <= rank || shape.slice(rank).some((size) => size !== 1)) return volume;
  const first = <E>(list: readonly E[]): readonly E[] => list.slice(0, rank);
  return { ...volume, shape: first(shape), spacing: first(spacing), direction: first(direction) };
}
