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

/** A part of a case: its first pixel and its size, per spatial axis. */
export interface Window {
  readonly origin: readonly number[];
  readonly size: readonly number[];
}

/** A case that is read in parts, so that a patch takes the memory of a patch. */
export interface OpenCase {
  /** The spatial size of the case. */
  readonly size: readonly number[];
  readonly spacing?: readonly number[];
  /** Reads a window that lies inside of the case. */
  part(window: Window): Promise<DatasetCase>;
  /** Reads the labels alone, of a window that lies inside or of the whole case. */
  labels(window?: Window): Promise<DatasetCase["labels"]>;
  whole(): Promise<DatasetCase>;
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
  /** Opens a case to be read in parts, where the data set can; else cases are read and cut. */
  open?(index: number): Promise<OpenCase>;
  /** Returns the spatial size of a case, where the data set knows it. */
  size?(index: number): readonly number[];
  /** Names the file or place of a case, for messages. */
  source(index: number): string;
}
