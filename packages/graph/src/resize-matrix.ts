import { numberOf, textOf } from "./attributes.js";
import { graphError } from "./errors.js";
import type { Node } from "./graph.js";
import type { ResizedAxis } from "./shapes/resize.js";

type Described = Omit<Node, "outputs">;

/**
 * The matrix [output, input], row by row, by which a Resize maps one axis; Resize is one such product per axis
 * (ONNX, operator Resize). Throws for modes that are not separable or not supported.
 */
export function resizeMatrix(node: Described, axis: ResizedAxis): Float64Array {
  const matrix = new Float64Array(axis.output * axis.input);
  if (axis.output === axis.input && axis.scale === 1) {
    for (let at = 0; at < axis.input; at++) matrix[at * axis.input + at] = 1;
    return matrix;
  }
  if (numberOf(node, "antialias", 0) !== 0) throw graphError(`${node.name}.antialias`, "0", 1);
  const position = coordinates(node, axis);
  const taps = interpolation(node);
  for (let to = 0; to < axis.output; to++) {
    for (const [from, weight] of taps(position(to))) {
      const inside = Math.min(Math.max(from, 0), axis.input - 1);
      matrix[to * axis.input + inside]! += weight;
    }
  }
  return matrix;
}

/** Where on the input's axis an output lies. */
function coordinates(node: Described, { input, output, scale }: ResizedAxis): (to: number) => number {
  const mode = textOf(node, "coordinate_transformation_mode", "half_pixel");
  switch (mode) {
    case "half_pixel":
      return (to) => (to + 0.5) / scale - 0.5;
    case "pytorch_half_pixel":
      return (to) => (output > 1 ? (to + 0.5) / scale - 0.5 : 0);
    case "align_corners":
      return (to) => (output > 1 ? (to * (input - 1)) / (output - 1) : 0);
    case "asymmetric":
      return (to) => to / scale;
    default:
      throw graphError(
        `${node.name}.coordinate_transformation_mode`,
        "half_pixel, pytorch_half_pixel, align_corners or asymmetric",
        mode,
      );
  }
}

type Taps = (position: number) => readonly (readonly [from: number, weight: number])[];

function interpolation(node: Described): Taps {
  const mode = textOf(node, "mode", "nearest");
  switch (mode) {
    case "nearest":
      return nearest(node);
    case "linear":
      return (position) => {
        const [left, rest] = [Math.floor(position), position - Math.floor(position)];
        return [
          [left, 1 - rest],
          [left + 1, rest],
        ];
      };
    case "cubic":
      return cubic(node);
    default:
      throw graphError(`${node.name}.mode`, "nearest, linear or cubic", mode);
  }
}

function nearest(node: Described): Taps {
  const mode = textOf(node, "nearest_mode", "round_prefer_floor");
  const rounders: Readonly<Record<string, (position: number) => number>> = {
    round_prefer_floor: (position) => Math.ceil(position - 0.5),
    round_prefer_ceil: (position) => Math.floor(position + 0.5),
    floor: Math.floor,
    ceil: Math.ceil,
  };
  const round = rounders[mode];
  if (round === undefined)
    throw graphError(`${node.name}.nearest_mode`, Object.keys(rounders).join(", "), mode);
  return (position) => [[round(position), 1]];
}

/** Keys' convolution kernel with parameter a over the four nearest inputs; outside ones repeat the border. */
function cubic(node: Described): Taps {
  if (numberOf(node, "exclude_outside", 0) !== 0) throw graphError(`${node.name}.exclude_outside`, "0", 1);
  const a = numberOf(node, "cubic_coeff_a", -0.75);
  const weight = (distance: number): number => {
    const d = Math.abs(distance);
    if (d <= 1) return (a + 2) * d ** 3 - (a + 3) * d ** 2 + 1;
    return d < 2 ? a * d ** 3 - 5 * a * d ** 2 + 8 * a * d - 4 * a : 0;
  };
  return (position) =>
    [-1, 0, 1, 2].map((step) => {
      const from = Math.floor(position) + step;
      return [from, weight(position - from)] as const;
    });
}
