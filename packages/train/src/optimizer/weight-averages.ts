import { invalidArgument } from "@pixelcal/core";
import { copied, type NamedArrays } from "./named-arrays.js";

/**
 * Exponential moving averages of weights (Polyak and Juditsky 1992): after update t each average moves by 1 -
 * d towards its array, d = min(decay, (1 + t) / (10 + t)), so that the initial weights are forgotten within
 * the first updates.
 */
export class WeightAverages {
  /** The averages by the names of their arrays; written in place. */
  readonly arrays: Readonly<NamedArrays>;
  readonly #decay: number;

  constructor(decay: number, weights: Readonly<NamedArrays>) {
    if (!(decay >= 0 && decay < 1)) throw invalidArgument("ema", "a decay from 0 to below 1", decay);
    this.#decay = decay;
    this.arrays = copied(weights);
  }

  /** Moves the averages towards the weights as they are after update `count`, counted from 1. */
  update(weights: Readonly<NamedArrays>, count: number): void {
    const step = 1 - Math.min(this.#decay, (1 + count) / (10 + count));
    for (const [name, { data }] of Object.entries(this.arrays)) {
      const next = weights[name]!.data;
      for (let i = 0; i < data.length; i++) data[i]! += step * (next[i]! - data[i]!);
    }
  }
}
