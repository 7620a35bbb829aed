/** float32 values as IEEE half-precision or bfloat16 bit patterns: rounded to nearest, ties to even, as every runtime casts. */
export function narrow(values: Float32Array, to: "float16" | "bfloat16"): Uint16Array {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  return to === "float16" ? Uint16Array.from(bits, half) : Uint16Array.from(bits, brain);
}

function half(bits: number): number {
  const sign = (bits >>> 16) & 0x8000;
  const exponent = ((bits >>> 23) & 255) - 127;
  if (exponent === 128 && (bits & 0x7fffff) !== 0) return sign | 0x7e00;
  if (exponent > 15) return sign | 0x7c00;
  // Below 2^-14 all values share the smallest normal number's unit; a sum that carries is the next binade, or infinity.
  const unit = Math.max(exponent, -14);
  const fraction = exponent < -126 ? (bits & 0x7fffff) / 2 ** 23 : 1 + (bits & 0x7fffff) / 2 ** 23;
  const exact = fraction * 2 ** (Math.max(exponent, -126) - unit + 10);
  const whole = Math.floor(exact);
  const rest = exact - whole;
  const up = rest > 0.5 || (rest === 0.5 && whole % 2 === 1) ? 1 : 0;
  return sign | (((unit + 14) << 10) + whole + up);
}

function brain(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
