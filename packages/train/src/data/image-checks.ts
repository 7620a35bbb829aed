import type { Tensor } from "@pixelcal/core";
import { FormatError } from "@pixelcal/io";
import { inTurns } from "./in-turns.js";

/** The least and the largest value of an image, as stored in its file. */
export interface ValueRange {
  readonly least: number;
  readonly largest: number;
}

/** Returns the range of a file's image. Throws FormatError unless all values are finite. */
export async function valueRange(path: string, { data }: Tensor<"float32">): Promise<ValueRange> {
  let [least, largest] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      const value = data[i]!;
      if (!Number.isFinite(value))
        throw new FormatError(path, "image", `expected finite values, got ${value} at offset ${i}`);
      if (value < least) least = value;
      if (value > largest) largest = value;
    }
  });
  return { least, largest };
}

/** The numbers of channels and of spatial axes of images. */
export interface ImageAxes {
  readonly channels: number;
  readonly rank: number;
}

/** Throws FormatError naming both files unless an image has the channels and axes of the first one. */
export function checkAxes(path: string, here: ImageAxes, firstPath: string, first: ImageAxes): void {
  if (here.channels === first.channels && here.rank === first.rank) return;
  const [found, expected] = [here, first].map(
    ({ channels, rank }) => `${channels} channel(s) and ${rank} spatial axes`,
  );
  throw new FormatError(path, "image", `has ${found}, but ${firstPath} has ${expected}`);
}
