import { fromNumbers } from "../data-types.js";

/**
 * Converts float32 values to IEEE half-precision or bfloat16 bit patterns: rounded to nearest, ties to even,
 * as every runtime casts.
 */
export function roundToHalf(values: Float32Array, to: "float16" | "bfloat16"): Uint16Array {
  if (to === "float16") return fromNumbers("float16", values, [values.length]).data;
  return Uint16Array.from(new Uint32Array(values.buffer, values.byteOffset, values.length), brain);
}

function brain(bits: number): number {
  if ((bits & 0x7fffffff) > 0x7f800000) return (bits >>> 16) | 0x40;
  return (bits + 0x7fff + ((bits >>> 16) & 1)) >>> 16;
}
