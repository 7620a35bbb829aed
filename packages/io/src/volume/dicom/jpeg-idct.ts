// The inverse cosine transform of the Independent JPEG Group's library, jpeg_idct_islow, for 12 bits: its
// integers round as theirs do, so that values are equal to the last bit.

const constBits = 13;
const firstBits = 1;

/** Returns x / 2^n, rounded as the library's shifts are; exact where 32 bits would overflow. */
const descale = (x: number, n: number): number => Math.floor((x + 2 ** (n - 1)) / 2 ** n);

/** Transforms eight values from `from` on, `step` apart, in place; the results are scaled by 2^-shift. */
function transform(values: Float64Array, from: number, step: number, shift: number): void {
  const at = (i: number): number => values[from + i * step]!;
  const middle = (at(2) + at(6)) * 4433;
  const [even2, even3] = [middle - at(6) * 15137, middle + at(2) * 6270];
  const [sum, difference] = [(at(0) + at(4)) * 2 ** constBits, (at(0) - at(4)) * 2 ** constBits];
  const even = [sum + even3, difference + even2, difference - even2, sum - even3];
  const [a, b, c, d] = [at(7), at(5), at(3), at(1)];
  const common = (a + c + b + d) * 9633;
  const [z1, z2] = [(a + d) * -7373, (b + c) * -20995];
  const [z3, z4] = [(a + c) * -16069 + common, (b + d) * -3196 + common];
  const odd = [d * 12299 + z1 + z4, c * 25172 + z2 + z3, b * 16819 + z2 + z4, a * 2446 + z1 + z3];
  for (let i = 0; i < 4; i++) {
    values[from + i * step] = descale(even[i]! + odd[i]!, shift);
    values[from + (7 - i) * step] = descale(even[i]! - odd[i]!, shift);
  }
}

/** Turns 64 coefficients, row by row, into samples of 12 bits in place. */
export function inverseTransform(block: Float64Array): void {
  for (let column = 0; column < 8; column++) transform(block, column, 8, constBits - firstBits);
  for (let row = 0; row < 8; row++) transform(block, 8 * row, 1, constBits + firstBits + 3);
  for (let i = 0; i < 64; i++) block[i] = Math.min(4095, Math.max(0, block[i]! + 2048));
}
