import { borderDistances, tensor } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { withoutBackground } from "./dice.js";
import { defineLoss, type Loss, type TargetSpec } from "./loss.js";
import { boolean, checkOptions, ignore, type OptionSchema, type PresetSchemas } from "./options.js";
import type { Prediction } from "./prediction.js";
import { distanceMap } from "./terms.js";

export interface HausdorffOptions {
  readonly preset?: "original";
  /** The power of distances; default 2. */
  readonly alpha?: number;
  /** Whether class 0 takes part; default false. */
  readonly includeBackground?: boolean;
  /** Whether the loss is log(1 + loss); default false. */
  readonly logarithm?: boolean;
  /** Label of pixels that count nowhere, and that no distance is measured to. */
  readonly ignore?: number;
}

const positive: OptionSchema = { type: "number", above: 0 };
export const hausdorffPresets: PresetSchemas = {
  original: { alpha: positive, includeBackground: boolean, logarithm: boolean, ignore },
};

const specs: { readonly distances: TargetSpec } = { distances: { type: "float32", layout: "classes" } };

/**
 * Returns the Hausdorff loss by distance transforms, mean over samples and classes of mean_pix (p - q)^2
 * (F(p > 1/2)^alpha + F(q)^alpha) (Karimi and Salcudean 2019, as in MONAI): F is the distance of every
 * pixel to the border of a mask, 0 everywhere where the mask is empty or full. Distances are in pixels, as
 * the graph knows no spacing, and have no gradient. Those of the prediction are made in the graph, in
 * memory of its size times its longest side.
 *
 * Where distances are equal it is a Brier score, whose minimiser is the truth; errors far from a border
 * cost more.
 */
export function hausdorff(options: HausdorffOptions = {}): Loss {
  const preset = checkOptions("hausdorff", hausdorffPresets, options);
  const { alpha = 2, includeBackground = false, logarithm = false, ignore } = options;
  return defineLoss({
    name: "hausdorff",
    preset,
    ignore,
    specs,
    async targets(labels, { classes, device }) {
      return { distances: await borderDistances(labels, { classes, device, ignore }) };
    },
    terms(prediction, { distances }) {
      const { probs, oneHot, classes } = prediction;
      const predicted = predictedSquares(prediction);
      const near = ops.Add(
        alpha === 2 ? predicted : ops.Pow(predicted, alpha / 2),
        alpha === 2 ? ops.Mul(distances, distances) : ops.Pow(distances, alpha),
      );
      const costs = prediction.masked(ops.Mul(distanceMap(probs, oneHot, "l2"), near));
      const kept = includeBackground ? costs : withoutBackground(costs);
      const entries = ops.Mul(prediction.count, includeBackground ? classes : classes - 1);
      const hausdorff = ops.Div(prediction.sum(kept), entries);
      const loss = logarithm ? ops.Log(ops.Add(hausdorff, 1)) : hausdorff;
      return { loss, terms: { hausdorff } };
    },
  });
}

/** Beyond every squared distance, and finite, so that 0 times it is 0. */
const far = 1e12;

/** Returns the squared distance of every pixel to the border of each class's p > 1/2. */
function predictedSquares(prediction: Prediction): Value {
  const { probs, spatial, counted } = prediction;
  const inside = ops.Cast(ops.Greater(ops.StopGradient(probs), 0.5), "float32");
  const [own, others] = [inside, ops.Sub(1, inside)].map((mask) => prediction.masked(mask)) as [Value, Value];
  const any = (mask: Value): Value => ops.ReduceMax(mask, spatial, { keepdims: 1 });
  const toOthers = nearestSquares(ops.Mul(ops.Sub(1, others), far), spatial);
  const toOwn = nearestSquares(ops.Mul(ops.Sub(1, own), far), spatial);
  // A pixel of the class is at 0 from the class; an ignored one counts nowhere.
  const squares = ops.Add(ops.Mul(own, toOthers), ops.Mul(others, toOwn));
  const bordered = ops.Mul(any(own), any(others));
  const result = ops.Mul(squares, bordered);
  return ops.StopGradient(counted === undefined ? result : ops.Mul(result, counted));
}

/** Returns min_j f_j + |i - j|^2 over the pixels, one axis after the other. */
function nearestSquares(map: Value, spatial: readonly number[]): Value {
  return spatial.reduce((values, axis) => {
    const size = values.dims[axis]!;
    const squares = Float32Array.from(
      { length: size * size },
      (_, i) => (Math.floor(i / size) - (i % size)) ** 2,
    );
    const dims = [...values.dims.map(() => 1), 1];
    dims[axis] = size;
    dims[axis + 1] = size;
    const apart = map.graph.constant(tensor("float32", squares, dims));
    return ops.ReduceMin(ops.Add(ops.Unsqueeze(values, [axis]), apart), [axis + 1], { keepdims: 0 });
  }, map);
}
