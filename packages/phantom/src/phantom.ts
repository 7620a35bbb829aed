import { checkOptions, invalidArgument, optionNames, Random, type Tensor, tensor } from "@pixelcal/core";
import { between, drawAnatomy } from "./anatomy.js";
import { type Grid, makeGrid } from "./grid.js";
import { drawImage } from "./image.js";
import { classChances, decisionsOf, drawLabels } from "./observer.js";

export const phantomClasses: readonly string[] = [
  "background",
  "right ventricle",
  "myocardium",
  "left ventricle",
];

export interface PhantomOptions {
  /** The seed, which decides all values. */
  readonly seed: number;
  /** The number of dimensions: one slice (2, default) or a stack of slices (3). */
  readonly dimensions?: 2 | 3;
  /**
   * The number of pixels per axis: [rows, columns], by default 128 each, or [slices, rows, columns], by
   * default 10 slices.
   */
  readonly size?: readonly number[];
  /** The size of a pixel in mm per axis; by default 1.5 within a slice and 10 between slices. */
  readonly spacing?: readonly number[];
  /**
   * The observer who drew the labels; 0 by default. Other observers see the same image and the same chances.
   */
  readonly observer?: number;
}

const names = optionNames<PhantomOptions>({
  seed: true,
  dimensions: true,
  size: true,
  spacing: true,
  observer: true,
});

/** A synthetic cardiac MR image in the short-axis view whose labels' chances are known. */
export interface Phantom {
  /** The image, [1, ...spatial], with mean 0 and variance 1, in multiples of 1/256. */
  readonly image: Tensor<"float32">;
  /** The labels, [...spatial]: 0 background, 1 right ventricle, 2 myocardium, 3 left ventricle. */
  readonly labels: Tensor<"uint8">;
  /** The chance of each class, [4, ...spatial], from which the labels were drawn. */
  readonly probabilities: Tensor<"float32">;
  /** The size of a pixel in mm per spatial axis. */
  readonly spacing: readonly number[];
}

interface Layout {
  readonly dimensions: 2 | 3;
  readonly size: readonly number[];
  readonly spacing: readonly number[];
}

/** Returns the options' shape with defaults; throws InvalidArgumentError. */
function layoutOf({ dimensions = 2, size, spacing }: Omit<PhantomOptions, "seed">): Layout {
  if (dimensions !== 2 && dimensions !== 3) throw invalidArgument("dimensions", "2 or 3", dimensions);
  const layout = {
    dimensions,
    size: size ?? [10, 128, 128].slice(3 - dimensions),
    spacing: spacing ?? [10, 1.5, 1.5].slice(3 - dimensions),
  };
  if (
    layout.size.length !== dimensions ||
    !layout.size.every((n) => Number.isInteger(n) && n >= 1 && n <= 1024)
  ) {
    throw invalidArgument("size", `${dimensions} integers from 1 to 1024`, layout.size);
  }
  if (layout.spacing.length !== dimensions || !layout.spacing.every((mm) => mm >= 0.1 && mm <= 50)) {
    throw invalidArgument("spacing", `${dimensions} numbers from 0.1 to 50`, layout.spacing);
  }
  return layout;
}

function gridOf({ dimensions, size, spacing }: Layout, random: Random): Grid {
  const [rows, columns] = size.slice(-2) as [number, number];
  const [height, width] = spacing.slice(-2) as [number, number];
  if (dimensions === 2)
    return makeGrid([1, rows, columns], [1, height, width], true, between(random, 0.06, 0.8));
  return makeGrid([size[0]!, rows, columns], [spacing[0]!, height, width], false, between(random, 1.5, 9));
}

/**
 * Generates a phantom after the ACDC data set. The same options give the same values on every machine.
 * Anatomy, surroundings, sensitivity, noise and observers' spread vary from seed to seed; borders are blurred
 * where observers disagree. Throws InvalidArgumentError.
 */
export function generatePhantom(options: PhantomOptions): Phantom {
  checkOptions("options", options, names);
  const layout = layoutOf(options);
  const { observer = 0 } = options;
  if (!Number.isInteger(observer) || observer < 0)
    throw invalidArgument("observer", "an integer of 0 or more", observer);
  const random = Random.fromSeed(options.seed).split("phantom");
  const anatomy = drawAnatomy(random.split("anatomy"));
  const grid = gridOf(layout, random.split("grid"));
  const decisions = decisionsOf(anatomy, grid);
  const { size, spacing } = layout;
  return {
    image: tensor("float32", drawImage(anatomy, grid, random.split("image")), [1, ...size]),
    labels: tensor("uint8", drawLabels(decisions, grid, random.split("observer").split(observer)), size),
    probabilities: tensor("float32", classChances(decisions), [4, ...size]),
    spacing,
  };
}
