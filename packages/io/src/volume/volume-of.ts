import { invalidArgument, sameDims, type Tensor } from "@pixelcal/core";
import type { Grid } from "./volume.js";
import type { WritableVolume } from "./volume-writer.js";

/**
 * Returns a tensor on a grid as a volume to write, without a copy: labels [...spatial], or probabilities [C,
 * ...spatial], the grid's axes reversed (z, y, x).
 */
export function volumeOf(tensor: Tensor, { shape, spacing, origin, direction }: Grid): WritableVolume {
  const spatial = [...shape].reverse();
  const { type, dims, data } = tensor;
  const channels = dims.length === spatial.length + 1 ? dims[0] : undefined;
  if (!sameDims(channels === undefined ? dims : dims.slice(1), spatial))
    throw invalidArgument("tensor", `shape [${spatial}] or [C,${spatial}] (z, y, x)`, dims);
  return { type, data, shape, spacing, origin, direction, ...(channels === undefined ? {} : { channels }) };
}
