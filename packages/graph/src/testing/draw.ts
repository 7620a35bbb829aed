import { uniforms } from "./case.js";

/** Random choices that depend on the seed alone. */
export class Draw {
  readonly #next: () => number;
  constructor(seed: number) {
    this.#next = uniforms(seed);
  }

  /** Draws a whole number from `low` to `high`, both included. */
  int(low: number, high: number): number {
    return low + Math.min(Math.floor(((this.#next() + 1) / 2) * (high - low + 1)), high - low);
  }

  ints(count: number, low: number, high: number): number[] {
    return Array.from({ length: count }, () => this.int(low, high));
  }

  one<T>(list: readonly T[]): T {
    return list[this.int(0, list.length - 1)]!;
  }

  some<T>(list: readonly T[]): T[] {
    return list.filter(() => this.int(0, 1) === 1);
  }

  shuffled<T>(list: readonly T[]): T[] {
    const rest = [...list];
    return list.map(() => rest.splice(this.int(0, rest.length - 1), 1)[0]!);
  }
}
