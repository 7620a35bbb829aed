import type { DataType, SignalOption, TypedArrays } from "@pixelcal/core";
import type { SourceName } from "../byte-source.js";
import type { Limits } from "../limits.js";
import type { VolumeSource } from "./source.js";

/** Three numbers along the patient's left, posterior and superior (LPS), in mm. */
export type Vector = readonly [number, number, number];

/**
 * The positions of voxels: voxel (i, j, k) is at origin + i spacing[0] direction[0] + j spacing[1]
 * direction[1] + ...
 */
export interface Grid {
  /** The number of voxels per axis, the fastest (x) first; one to three axes. */
  readonly shape: readonly number[];
  /** The distance from voxel to voxel in mm, one number per axis. */
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
  /** The stored values, x fastest and channels slowest: a tensor of dims [channels, ...shape reversed]. */
  readonly data: TypedArrays[DataType];
  /** The number of values per voxel, if there are several: classes, colours or vector components. */
  readonly channels?: number;
  /** The unit of length in the file: "mm", "m", "um" or "unknown". Spacing and origin are in mm already. */
  readonly units: string;
  /** The scaling that turns stored values into real ones: value * slope + inter. */
  readonly scaled?: { readonly slope: number; readonly inter: number };
  /** The names of labels by value. */
  readonly names?: ReadonlyMap<number, string>;
  /** The label of each channel, where channels are segments that may overlap. */
  readonly segments?: readonly number[];
  /** The meaning of a fractional segmentation's values, once scaled to 0 ... 1. */
  readonly fraction?: "probability" | "occupancy";
  /** The notes on values that the reader assumed or left out, a sentence each. */
  readonly notes: readonly string[];
}

export interface VolumeOptions extends SourceName, SignalOption {
  readonly limits?: Partial<Limits>;
  /**
   * The source that decides in a NIfTI file whose sform and pixdim disagree; by default such a file is an
   * error.
   */
  readonly spacingFrom?: "sform" | "pixdim";
  /** The name of the array in an NPZ archive; required if it holds several. */
  readonly key?: string;
  /** Whether slices of a DICOM stack may be unevenly spaced; the median step is then taken for all. */
  readonly allowGaps?: boolean;
  /** The series to read of a DICOM folder that holds several; the error that lists them has their names. */
  readonly series?: string;
  /**
   * The grid of the image that a segmentation belongs to. DICOM segmentations and contours are placed on it;
   * any other volume that lies on a different grid is refused.
   */
  readonly grid?: Grid;
}

/** The options that readers use, with every limit set. */
export interface ReadSettings extends Omit<VolumeOptions, "limits" | "source" | "signal"> {
  /** The limits, with the signal for whatever is opened within them. */
  readonly limits: Limits & SignalOption;
}

/** The reader of one format. */
export interface VolumeReader {
  readonly name: string;
  /**
   * Returns "magic" if the first bytes (unpacked, if the file is gzip) are this format's, "ending" if only
   * the ending of the path is.
   */
  sniff(bytes: Uint8Array, path: string): "magic" | "ending" | undefined;
  read(source: VolumeSource, settings: ReadSettings): Promise<Volume>;
}
