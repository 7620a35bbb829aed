import { invalidArgument } from "@pixelcal/core";
import { type Arrays, copied } from "./arrays.js";

/**
 * Exponential moving averages of a model's arrays (Polyak and Juditsky 1992): after update t each average moves by 1 - d
 * towards its array, d = min(decay, (1 + t) / (10 + t)), so that the first updates do not hang on to the initial weights.
 */
export class Averages {
  /** By the arrays' names; written in place. */
  readonly arrays: Readonly<Arrays>;
  readonly #decay: number;

  constructor(decay: number, from: Readonly<Arrays>) {
    if (!(decay >= 0 && decay < 1)) throw invalidArgument("ema", "a decay from 0 to below 1", decay);
    this.#decay = decay;
    this.arrays = copied(from);
  }

  /** Takes in what the arrays are after update `count`, counted from 1. */
  follow(from: Readonly<Arrays>, count: number): void {
    const step = 1 - Math.min(this.#decay, (1 + count) / (10 + count));
    for (const [name, { data }] of Object.entries(this.arrays)) {
      const next = from[name]!.data;
      for (let i = 0; i < data.length; i++) data[i]! += step * (next[i]! - data[i]!);
    }
  }
}
