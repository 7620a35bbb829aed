import type { DataType, TypedArrays } from "@pixelcal/core";
import type { Limits } from "../limits.js";
import type { VolumeSource } from "./source.js";

/** Three numbers along the patient's left, posterior and superior (LPS), in mm. */
export type Vector = readonly [number, number, number];

/** Where voxels lie: voxel (i, j, k) is at origin + i spacing[0] direction[0] + j spacing[1] direction[1] + ... */
export interface Grid {
  /** Voxels per axis, the fastest (x) first; one to three axes. */
  readonly shape: readonly number[];
  /** Millimetres from voxel to voxel, one number per axis. */
  readonly spacing: readonly number[];
  /** The centre of the first voxel, LPS in mm. */
  readonly origin: Vector;
  /** One unit vector per axis, LPS: the columns of a direction matrix. */
  readonly direction: readonly Vector[];
}

/** An image or a label map with its geometry. */
export interface Volume extends Grid {
  /** The reader's name. */
  readonly format: string;
  /** The stored element type; values are never scaled. */
  readonly type: DataType;
  /** Stored values, x fastest and channels slowest, so that it is a tensor of dims [channels, ...shape reversed]. */
  readonly data: TypedArrays[DataType];
  /** Values per voxel, where there are several: classes, colours or vector components. */
  readonly channels?: number;
  /** The unit of length in the file: "mm", "m", "um" or "unknown". Spacing and origin are in mm already. */
  readonly units: string;
  /** What turns stored values into real ones: value * slope + inter. */
  readonly scaled?: { readonly slope: number; readonly inter: number };
  /** Names of labels by value. */
  readonly names?: ReadonlyMap<number, string>;
  /** What the reader assumed or left out, a sentence each. */
  readonly notes: readonly string[];
}

export interface VolumeOptions {
  readonly limits?: Partial<Limits>;
  /** Which of the two decides in a NIfTI file whose sform and pixdim disagree; default: neither, an error. */
  readonly spacingFrom?: "sform" | "pixdim";
  /** The array of an NPZ archive that is meant; needed if it holds several. */
  readonly key?: string;
  /** The name to give to bytes in messages; its ending counts as a path's does. */
  readonly source?: string;
}

/** The options that readers look at, with every limit set. */
export interface ReadSettings extends Omit<VolumeOptions, "limits" | "source"> {
  readonly limits: Limits;
}

/** One format. */
export interface VolumeReader {
  readonly name: string;
  /** Whether the first bytes (unpacked, where the file is gzip) are this format's, or only the ending of the path is. */
  sniff(bytes: Uint8Array, path: string): "magic" | "ending" | undefined;
  read(source: VolumeSource, settings: ReadSettings): Promise<Volume>;
}
