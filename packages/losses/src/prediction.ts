import { elementCount, tensor } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";

/**
 * The logits of one step and what the losses derive from them, each computed once per graph. Maps
 * over classes are [N, C, ...spatial], maps over pixels [N, 1, ...spatial]. Means run over the pixels
 * whose label is not `ignore`.
 */
export class Prediction {
  readonly logits: Value;
  readonly classes: number;
  /** The spatial axes of the maps: 2, 3, ... */
  readonly spatial: readonly number[];
  readonly #labels: Value;
  readonly #ignore: number | undefined;
  readonly #cache = new Map<string, Value>();

  constructor(logits: Value, labels: Value, ignore?: number) {
    this.logits = logits;
    this.classes = logits.dims[1]!;
    this.spatial = logits.dims.slice(2).map((_, axis) => axis + 2);
    this.#labels = labels;
    this.#ignore = ignore;
  }

  /** Returns log p, computed with logits shifted by the largest: exact where p underflows. */
  get logProbs(): Value {
    return this.#once("logProbs", () => ops.Sub(this.#shifted, ops.Log(this.#total)));
  }

  /** Returns p, the softmax over classes. */
  get probs(): Value {
    return this.#once("probs", () => ops.Div(this.#exponentials, this.#total));
  }

  /** Returns q, 1 at the label's class; all zero where the label is ignored. */
  get oneHot(): Value {
    return this.#once("oneHot", () => {
      const hot = ops.OneHot(this.#labels, this.classes, this.logits.type);
      const ignore = this.#ignore ?? -1;
      return ignore >= 0 && ignore < this.classes ? this.masked(hot) : hot;
    });
  }

  /** Returns 1 where a pixel counts and 0 where it is ignored; undefined if every pixel counts. */
  get counted(): Value | undefined {
    const ignore = this.#ignore;
    if (ignore === undefined) return undefined;
    return this.#once("counted", () => {
      const label = ops.Unsqueeze(this.#labels, [1]);
      return ops.Cast(ops.Not(ops.Equal(label, ignore)), this.logits.type);
    });
  }

  /** Returns mean_pix, the mean of a map [N, 1, ...spatial] over pixels; 0 if every pixel is ignored. */
  meanOverPixels(map: Value): Value {
    const { counted } = this;
    if (counted === undefined) return meanOf(map);
    return ops.Div(this.sum(ops.Mul(map, counted)), this.count);
  }

  /** Returns mean_all, the mean of a map [N, C, ...spatial] over classes and pixels. */
  meanOverEntries(map: Value): Value {
    const { counted } = this;
    if (counted === undefined) return meanOf(map);
    return ops.Div(this.sum(ops.Mul(map, counted)), ops.Mul(this.count, this.classes));
  }

  /** Returns the sum of all entries of a map. */
  sum(map: Value): Value {
    return sumOver(map, allAxes(map));
  }

  /** Returns the map with ignored pixels set to 0. */
  masked(map: Value): Value {
    return this.counted === undefined ? map : ops.Mul(map, this.counted);
  }

  /** Returns the number of counted pixels, at least 1. */
  get count(): Value {
    const { counted, logits, classes } = this;
    const pixels = elementCount(logits.dims) / classes;
    return this.#once("count", () =>
      counted === undefined
        ? logits.graph.constant(tensor("float32", Float32Array.of(pixels), []))
        : ops.Max(this.sum(counted), 1),
    );
  }

  get #shifted(): Value {
    // The shift cancels in the gradient as it does in the value.
    return this.#once("shifted", () =>
      ops.Sub(this.logits, ops.StopGradient(ops.ReduceMax(this.logits, [1], { keepdims: 1 }))),
    );
  }

  get #exponentials(): Value {
    return this.#once("exponentials", () => ops.Exp(this.#shifted));
  }

  get #total(): Value {
    return this.#once("total", () => overClasses(this.#exponentials));
  }

  #once(name: string, build: () => Value): Value {
    const value = this.#cache.get(name) ?? build();
    this.#cache.set(name, value);
    return value;
  }
}

/** Returns the sum over classes of a map [N, C, ...spatial], as [N, 1, ...spatial]. */
export function overClasses(map: Value): Value {
  return ops.ReduceSum(map, [1], { keepdims: 1 });
}

/** Returns the mean of all entries of a map, a scalar. */
export function meanOf(map: Value): Value {
  return inStages(ops.ReduceMean, map, allAxes(map));
}

/** Returns the sum over `axes`, which are dropped. */
export function sumOver(map: Value, axes: readonly number[]): Value {
  return inStages(ops.ReduceSum, map, axes);
}

/**
 * Sums one axis after the other: onnxruntime adds float32 in a row, which over a million pixels costs the
 * sixth digit.
 */
function inStages(reduce: typeof ops.ReduceSum, map: Value, axes: readonly number[]): Value {
  const long = axes.filter((axis) => map.dims[axis]! > 1).reverse();
  const reduced = long.reduce((value, axis) => reduce(value, [axis], { keepdims: 1 }), map);
  return ops.Squeeze(reduced, axes);
}

function allAxes(map: Value): readonly number[] {
  return map.dims.map((_, axis) => axis);
}
