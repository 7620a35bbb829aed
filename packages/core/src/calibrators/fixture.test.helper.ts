// The fixtures of tools/golden/calibrators.py: hashes and IEEE operations, so that both make the same bits.
import type { Tensor } from "../tensor.js";
import type { CalibrationCase, CalibrationCases } from "./calibration-cases.js";

export interface FixtureOptions {
  readonly classes: number;
  readonly size: readonly number[];
  readonly cases: number;
  readonly noise: number;
  readonly absent?: number;
  readonly flipped?: boolean;
  readonly spacing?: readonly number[];
}

/** Returns a number in [-1, 1) that depends on both in no visible way. */
export function hashed(index: number, stream: number): number {
  let h = (Math.imul(index, 0x9e3779b1) + Math.imul(stream, 0x85ebca77)) >>> 0;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return ((h ^ (h >>> 16)) >>> 0) / 2147483648 - 1;
}

function fixtureCase(seed: number, options: FixtureOptions): CalibrationCase {
  const { classes, size, noise, absent, flipped = false, spacing } = options;
  const pixels = size.reduce((product, n) => product * n, 1);
  const logits = new Float32Array(classes * pixels);
  const labels = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    let [rest, squares] = [i, 0];
    const places = size.map(() => 0);
    for (let axis = size.length - 1; axis >= 0; axis--) {
      places[axis] = rest % size[axis]!;
      rest = Math.floor(rest / size[axis]!);
    }
    for (const [axis, x] of places.entries()) squares += (x - (size[axis]! - 1) / 2 - seed) ** 2;
    const r = Math.sqrt(squares);
    const moved: number[] = [];
    for (let c = 0; c < classes; c++) {
      const at = c * pixels + i;
      logits[at] = (c === 0 ? (r - 5) * 1.5 : 5 - c - r + c * 0.5) + hashed(at, 2 * seed + 1);
      moved.push(logits[at]! + noise * hashed(at, 2 * seed + 2));
    }
    const label = moved.indexOf(Math.max(...moved));
    const predicted = argmax(logits, classes, pixels, i);
    labels[i] = flipped && predicted > 0 ? 1 - label : label === absent ? 0 : label;
  }
  return {
    logits: { type: "float32", dims: [1, classes, ...size], data: logits },
    labels: { type: "uint8", dims: [1, ...size], data: labels },
    ...(spacing && { spacing }),
  };
}

/** Returns the class of the first largest value of pixel i. */
export function argmax(values: Float32Array, classes: number, pixels: number, i: number): number {
  let best = 0;
  for (let c = 1; c < classes; c++) if (values[c * pixels + i]! > values[best * pixels + i]!) best = c;
  return best;
}

export function fixture(options: FixtureOptions): CalibrationCases {
  return casesOf(Array.from({ length: options.cases }, (_, seed) => fixtureCase(seed, options)));
}

export function casesOf(list: readonly CalibrationCase[]): CalibrationCases {
  return { count: list.length, read: (index) => list[index]! };
}

/** Returns the classes of the first largest outputs of all pixels of one image. */
export function labelsOf({ data, dims }: Tensor<"float32">): number[] {
  const [, classes, ...size] = dims as [number, number, ...number[]];
  const pixels = size.reduce((product, n) => product * n, 1);
  return Array.from({ length: pixels }, (_, i) => argmax(data, classes, pixels, i));
}
