import { numberOf, textOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Described } from "../ir.js";

export interface ResizedAxis {
  readonly axis: number;
  readonly input: number;
  readonly output: number;
  /** Output per input size as the coordinate transform uses it: the given scale, or the ratio of sizes. */
  readonly scale: number;
}

/** 1 GiB: an axis of 8192 made twice as long. */
const mostElements = 1 << 27;

/**
 * Returns the matrix [output, input], row by row, by which a Resize maps one axis; Resize (ONNX) is one such
 * product per axis that changes. Throws for modes that are not separable or not supported.
 */
export function resizeMatrix(node: Described, axis: ResizedAxis): Float64Array {
  if (axis.output * axis.input > mostElements)
    throw graphError(node.name, "an axis that a matrix can resize", `${axis.input} to ${axis.output}`);
  const matrix = new Float64Array(axis.output * axis.input);
  const position = coordinates(node, axis);
  const { taps, normalizes } = interpolation(node, axis.scale);
  const excludes =
    numberOf(node, "exclude_outside", 0) !== 0 && textOf(node, "mode", "nearest") !== "nearest";
  for (let to = 0; to < axis.output; to++) {
    const read = taps(position(to)).filter(([from]) => !excludes || (from >= 0 && from < axis.input));
    const total = excludes || normalizes ? read.reduce((sum, [, weight]) => sum + weight, 0) : 1;
    for (const [from, weight] of read) {
      const inside = Math.min(Math.max(from, 0), axis.input - 1);
      matrix[to * axis.input + inside]! += weight / total;
    }
  }
  return matrix;
}

/** Throws GraphError for modes that no Resize has. */
export function requireResizeModes(node: Described): void {
  interpolation(node, 1);
  const mode = textOf(node, "coordinate_transformation_mode", "half_pixel");
  // A runtime resizes what it crops, though no matrix does here.
  if (mode !== "tf_crop_and_resize") coordinates(node, { axis: 0, input: 1, output: 1, scale: 1 });
}

type Coordinates = (axis: ResizedAxis) => (to: number) => number;

/** Where on the input's axis an output lies, by coordinate_transformation_mode. */
const transforms: Readonly<Record<string, Coordinates>> = {
  half_pixel:
    ({ scale }) =>
    (to) =>
      (to + 0.5) / scale - 0.5,
  pytorch_half_pixel:
    ({ output, scale }) =>
    (to) =>
      output > 1 ? (to + 0.5) / scale - 0.5 : 0,
  align_corners:
    ({ input, output }) =>
    (to) =>
      output > 1 ? (to * (input - 1)) / (output - 1) : 0,
  asymmetric:
    ({ scale }) =>
    (to) =>
      to / scale,
  tf_half_pixel_for_nn:
    ({ scale }) =>
    (to) =>
      (to + 0.5) / scale,
  half_pixel_symmetric: ({ input, output, scale }) => {
    const offset = (input / 2) * (1 - output / (scale * input));
    return (to) => offset + (to + 0.5) / scale - 0.5;
  },
};

function coordinates(node: Described, axis: ResizedAxis): (to: number) => number {
  const mode = textOf(node, "coordinate_transformation_mode", "half_pixel");
  const transform = Object.hasOwn(transforms, mode) ? transforms[mode] : undefined;
  if (transform !== undefined) return transform(axis);
  const known = Object.keys(transforms).join(", ");
  throw graphError(`${node.name}.coordinate_transformation_mode`, known, mode);
}

type Taps = (position: number) => readonly (readonly [from: number, weight: number])[];

interface Interpolation {
  readonly taps: Taps;
  /** Whether weights are made to add up to 1. */
  readonly normalizes: boolean;
}

function interpolation(node: Described, scale: number): Interpolation {
  const mode = textOf(node, "mode", "nearest");
  if (mode === "nearest") return { taps: nearest(node), normalizes: false };
  const known = kernels(node);
  const kernel = Object.hasOwn(known, mode) ? known[mode] : undefined;
  if (kernel === undefined) throw graphError(`${node.name}.mode`, "nearest, linear or cubic", mode);
  const wide = numberOf(node, "antialias", 0) !== 0 && scale < 1;
  const narrow = wide ? scale : 1;
  const reach = Math.ceil(kernel.reach / narrow);
  const taps: Taps = (position) =>
    Array.from({ length: 2 * reach }, (_, index) => {
      const from = Math.floor(position) - reach + 1 + index;
      return [from, kernel.weight(Math.abs(position - from) * narrow)] as const;
    });
  return { taps, normalizes: wide };
}

interface Kernel {
  /** The distance from the middle beyond which the filter is zero. */
  readonly reach: number;
  readonly weight: (distance: number) => number;
}

/** Returns the kernels: the triangle, and Keys' cubic convolution with parameter a. */
function kernels(node: Described): Readonly<Record<string, Kernel>> {
  const a = numberOf(node, "cubic_coeff_a", -0.75);
  return {
    linear: { reach: 1, weight: (d) => Math.max(1 - d, 0) },
    cubic: {
      reach: 2,
      weight: (d) => {
        if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
        return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
      },
    },
  };
}

function nearest(node: Described): Taps {
  const mode = textOf(node, "nearest_mode", "round_prefer_floor");
  const rounders: Readonly<Record<string, (position: number) => number>> = {
    round_prefer_floor: (position) => Math.ceil(position - 0.5),
    round_prefer_ceil: (position) => Math.floor(position + 0.5),
    floor: Math.floor,
    ceil: Math.ceil,
  };
  const round = Object.hasOwn(rounders, mode) ? rounders[mode] : undefined;
  if (round === undefined)
    throw graphError(`${node.name}.nearest_mode`, Object.keys(rounders).join(", "), mode);
  return (position) => [[round(position), 1]];
}
