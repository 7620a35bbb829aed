const word = new DataView(new ArrayBuffer(4));

/** Returns the value of one IEEE half-precision bit pattern. */
function decode(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let table: Float32Array | undefined;

/** Widens half-precision bit patterns, or a Float16Array, exactly. */
export function float16ToFloat32(bits: Uint16Array): Float32Array {
  // With only 65536 patterns, one table lookup widens each value.
  table ??= Float32Array.from({ length: 65536 }, (_, pattern) => decode(pattern));
  const patterns = new Uint16Array(bits.buffer, bits.byteOffset, bits.length);
  const out = new Float32Array(patterns.length);
  for (let i = 0; i < patterns.length; i++) out[i] = table[patterns[i]!]!;
  return out;
}

/** Rounds to half precision, ties to even; overflow becomes infinity. */
export function float32ToFloat16(values: Float32Array): Uint16Array {
  const out = new Uint16Array(values.length);
  for (let i = 0; i < values.length; i++) {
    word.setFloat32(0, values[i]!);
    const bits = word.getUint32(0);
    const sign = (bits >>> 16) & 0x8000;
    const magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000) out[i] = sign | 0x7e00;
    else if (magnitude >= 0x477ff000) out[i] = sign | 0x7c00;
    else if (magnitude < 0x38800000) {
      // A subnormal: adding 0.5 leaves the value in units of 2^-24 in the low bits, rounded by the hardware.
      word.setFloat32(0, Math.fround(Math.abs(values[i]!) + 0.5));
      out[i] = sign | (word.getUint32(0) - 0x3f000000);
    } else out[i] = sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13);
  }
  return out;
}
