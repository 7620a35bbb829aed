/**
 * Makes numbers of [-1, 1) by 32-bit integers alone, so that the scripts in tools/golden make the same ones.
 */
export function hashed(count: number, stream: number): Float64Array {
  const offset = Math.imul(stream, 0x85ebca77);
  return Float64Array.from({ length: count }, (_, index) => {
    let h = (Math.imul(index, 0x9e3779b1) + offset) >>> 0;
    h = Math.imul(h ^ (h >>> 16), 0x7feb352d) >>> 0;
    h = Math.imul(h ^ (h >>> 15), 0x846ca68b) >>> 0;
    h = (h ^ (h >>> 16)) >>> 0;
    return h / 2147483648 - 1;
  });
}
