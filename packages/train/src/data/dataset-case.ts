import type { Tensor } from "@pixelcal/core";
import type { Grid } from "@pixelcal/io";
import type { LabelRange } from "@pixelcal/losses";

/** A case as a loader takes it. */
export interface DatasetCase {
  /** [C, ...spatial], all finite */
  readonly image: Tensor<"float32">;
  /** [...spatial] */
  readonly labels: Tensor<"uint8"> | Tensor<"int32">;
  readonly spacing?: readonly number[];
  /** Further arrays of the case: [...spatial], [C, ...spatial] or not spatial. */
  readonly extras: Readonly<Record<string, Tensor>>;
}

/** An image to predict, with its labels if the data set has them. */
export interface DatasetImage extends Omit<DatasetCase, "labels"> {
  readonly labels?: DatasetCase["labels"];
  /** The grid of the image, if its file has one. */
  readonly grid?: Grid;
}

/** Cases by index. Reading a case twice may give the same arrays; callers must not change them. */
export interface Dataset {
  readonly names: readonly string[];
  readonly classes: number;
  /** Numbers that the labels of every case hold, where the data set checks them. */
  readonly labelRange?: LabelRange;
  readonly channels: number;
  /** Number of spatial axes. */
  readonly rank: number;
  read(index: number): Promise<DatasetCase>;
  /** Returns the spatial size of a case, where the data set knows it. */
  size?(index: number): readonly number[];
  /** Names the file or place of a case, for messages. */
  source(index: number): string;
}
