// Sums of float64 values that are exact, and hence have the same bits in any order: each is a whole number
// and a fraction in units of 2^-40, both integers that float64 holds. Values are rounded to the unit first.

/** The unit's inverse. */
export const exactUnit: number = 2 ** 40;

/** Adds values to sums; the fractions stay from 0 to below 1, so that equal sums have equal parts. */
export function addExactly(wholes: Float64Array, fractions: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < wholes.length; i++) {
    const value = values[i]!;
    const whole = Math.floor(value);
    wholes[i]! += whole;
    // An infinite sum keeps the fraction of the finite values.
    if (Number.isFinite(value)) fractions[i]! += Math.round((value - whole) * exactUnit);
  }
  carry(wholes, fractions);
}

/** Moves whole numbers out of the fractions, after two sums were added. */
export function carry(wholes: Float64Array, fractions: Float64Array): void {
  for (let i = 0; i < wholes.length; i++) {
    const whole = Math.floor(fractions[i]! / exactUnit);
    fractions[i]! -= whole * exactUnit;
    wholes[i]! += whole;
  }
}

/** Returns the sums as numbers. */
export function exactValues(wholes: Float64Array, fractions: Float64Array): Float64Array {
  return wholes.map((whole, i) => whole + fractions[i]! / exactUnit);
}

/**
 * Sums in one array, some of them counts and some exact sums of real numbers, whose fractions follow behind
 * all sums in the same order.
 */
export class MixedSums {
  /** The count of numbers in the array. */
  readonly length: number;
  readonly #sums: number;
  /** The first and the end of the sums of real numbers, in ascending order, and of their fractions. */
  readonly #real: readonly { readonly from: number; readonly to: number; readonly fractions: number }[];

  constructor(sums: number, real: readonly (readonly [from: number, to: number])[]) {
    let at = sums;
    this.#sums = sums;
    this.#real = real.map(([from, to]) => {
      const fractions = at;
      at += to - from;
      return { from, to, fractions };
    });
    this.length = at;
  }

  /** Adds values to the sums. */
  add(array: Float64Array, values: Float64Array): void {
    let at = 0;
    for (const [wholes, fractions, from, to] of this.#parts(array)) {
      for (; at < from; at++) array[at]! += values[at]!;
      addExactly(wholes, fractions, values.subarray(from, to));
      at = to;
    }
    for (; at < this.#sums; at++) array[at]! += values[at]!;
  }

  /** Moves whole numbers out of the fractions, after two arrays were added. */
  carry(array: Float64Array): void {
    for (const [wholes, fractions] of this.#parts(array)) carry(wholes, fractions);
  }

  /** Returns the sums as numbers. */
  values(array: Float64Array): Float64Array {
    const values = array.slice(0, this.#sums);
    for (const [wholes, fractions, from] of this.#parts(array))
      values.set(exactValues(wholes, fractions), from);
    return values;
  }

  /** Returns the array of sums that are numbers. */
  of(values: Float64Array): Float64Array {
    const array = new Float64Array(this.length);
    this.add(array, values);
    return array;
  }

  /** Tells whether every sum of real numbers of an array, read from a state, is possible. */
  fit(array: Float64Array): boolean {
    return this.#parts(array).every(([wholes, fractions]) =>
      fractions.every(
        (part, i) =>
          (Number.isSafeInteger(wholes[i]) || wholes[i] === Number.POSITIVE_INFINITY) &&
          Number.isSafeInteger(part) &&
          part >= 0 &&
          part < exactUnit,
      ),
    );
  }

  #parts(array: Float64Array): [Float64Array, Float64Array, from: number, to: number][] {
    return this.#real.map(({ from, to, fractions }) => [
      array.subarray(from, to),
      array.subarray(fractions, fractions + to - from),
      from,
      to,
    ]);
  }
}
