import type { Labels, SignalOption } from "@pixelcal/core";
import type { Case } from "../case.js";
import type { StoredMasks } from "../masks.js";
import type { Grid } from "../volume/volume.js";

/** An image, with its labels if there are any. */
export interface ImageCase extends Omit<Case, "labels"> {
  readonly labels?: Labels;
  /** The grid of the image, if its file has one. */
  readonly grid?: Grid;
}

/** The images of one split of a data set, of any layout, each read when it is asked for. */
export interface ImageCases {
  /** A line that says what was recognised. */
  readonly layout: string;
  readonly names: readonly string[];
  /** The path of a case's image, or of the first of its channels, for messages and for its header. */
  source(name: string): string;
  /** The paths of every file that a case is read from. */
  files(name: string): readonly string[];
  /** The ending of the images, if they are volumes and predictions are to be too: ".nii.gz". */
  readonly ending?: string;
  /** The path of nnU-Net's dataset.json, which says what labels mean. */
  readonly dataset?: string;
  read(name: string, options?: ReadImageOptions): Promise<ImageCase>;
  /** Returns the number of masks that a case's labels are stored as, 0 for a label map or none. */
  maskCount(name: string): Promise<number>;
}

export interface ReadImageOptions extends SignalOption {
  /** Further arrays to read; only .npz files hold any. */
  readonly extras?: readonly string[];
  /** The masks that labels are stored as, in place of label maps. */
  readonly masks?: StoredMasks | undefined;
}
