import type { DataType, TypedArrays } from "@pixelcal/core";
import type { Limits } from "../../limits.js";
import { checkedBytes } from "../refuse.js";

/** The labels of a volume and the voxels that have them; voxels may have several. */
export interface Painted {
  readonly type: DataType;
  readonly data: TypedArrays[DataType];
  readonly channels?: number;
  readonly segments?: readonly number[];
}

/** Calls `paint` with each voxel of each label. */
type Paint = (set: (label: number, voxel: number) => void) => Promise<void>;

/**
 * Returns a label map, or a channel of 0 and 1 per label if labels overlap. `paint` is then called a second
 * time. Labels are positive. Throws FormatError for channels beyond the limits.
 */
export async function labelMapOrChannels(
  path: string,
  shape: readonly number[],
  labels: readonly number[],
  limits: Limits,
  paint: Paint,
): Promise<Painted> {
  const large = Math.max(0, ...labels) > 255;
  const count = checkedBytes(path, "segments", 0, shape, large ? 2 : 1, limits) / (large ? 2 : 1);
  const map = large ? new Uint16Array(count) : new Uint8Array(count);
  let overlap = false;
  await paint((label, voxel) => {
    const before = map[voxel]!;
    if (before !== 0 && before !== label) overlap = true;
    map[voxel] = label;
  });
  if (!overlap) return { type: large ? "uint16" : "uint8", data: map };
  checkedBytes(path, "segments", 0, [...shape, labels.length], 1, limits);
  const data = new Uint8Array(count * labels.length);
  const channel = new Map(labels.map((label, i) => [label, i * count]));
  await paint((label, voxel) => {
    data[channel.get(label)! + voxel] = 1;
  });
  return { type: "uint8", data, channels: labels.length, segments: labels };
}
