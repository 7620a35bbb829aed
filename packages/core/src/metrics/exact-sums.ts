// Sums of float64 values that are exact, and hence have the same bits in any order: each is a whole number
// and a fraction in units of 2^-40, both integers that float64 holds. Values are rounded to the unit first.

/** The unit's inverse. */
export const exactUnit: number = 2 ** 40;

/** Adds values to sums; the fractions stay from 0 to below 1, so that equal sums have equal parts. */
export function addExactly(wholes: Float64Array, fractions: Float64Array, values: ArrayLike<number>): void {
  for (let i = 0; i < wholes.length; i++) {
    const whole = Math.floor(values[i]!);
    wholes[i]! += whole;
    fractions[i]! += Math.round((values[i]! - whole) * exactUnit);
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
