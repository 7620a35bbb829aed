import type { SliceStrip } from "./slices.js";

/** The pictures of one case: PNG files in base64 and contours as SVG paths. */
export interface CasePictures {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  /** The slice shown, and the number of slices of the case. */
  readonly slice: number;
  readonly depth: number;
  readonly image?: string;
  readonly truth: string;
  readonly runs: readonly RunPictures[];
  /** The number of classes, which gives the least confidence. */
  readonly classes: number;
  readonly slices?: SliceStrip;
}

export interface RunPictures {
  readonly contour: string;
  readonly confidence: string;
  readonly errors: string;
  /** The kinds of errors that the picture shows, as indices of `errorKinds`. */
  readonly kinds: readonly number[];
}
