import type { CaseLayers } from "./case-layers.js";

/** Returns the layers with at most `side` pixels a side; images are averaged, labels taken at the centres. */
export function shrunk(layers: CaseLayers, side: number): CaseLayers {
  const { width, height, depth, image, confidence, truth, predicted } = layers;
  const factor = Math.max(width, height) / side;
  if (factor <= 1) return layers;
  const size = {
    width: Math.max(1, Math.floor(width / factor)),
    height: Math.max(1, Math.floor(height / factor)),
  };
  const each = (source: Uint8Array, pick: Sampler): Uint8Array => resampled(source, layers, size, pick);
  return {
    ...layers,
    ...size,
    depth,
    ...(image && { image: each(image, mean) }),
    truth: each(truth, centre),
    predicted: predicted.map((labels) => each(labels, centre)),
    confidence: confidence.map((values) => each(values, mean)),
  };
}

/** A range of pixels, from and to (exclusive), on both axes. */
interface Window {
  readonly x: readonly [number, number];
  readonly y: readonly [number, number];
}
type Sampler = (source: Uint8Array, base: number, width: number, window: Window) => number;

const centre: Sampler = (source, base, width, { x, y }) =>
  source[base + ((y[0] + y[1] - 1) >> 1) * width + ((x[0] + x[1] - 1) >> 1)]!;

const mean: Sampler = (source, base, width, { x, y }) => {
  let sum = 0;
  for (let row = y[0]; row < y[1]; row++)
    for (let column = x[0]; column < x[1]; column++) sum += source[base + row * width + column]!;
  return Math.round(sum / ((x[1] - x[0]) * (y[1] - y[0])));
};

function resampled(
  source: Uint8Array,
  { width, height, depth }: Sizes,
  size: { readonly width: number; readonly height: number },
  pick: Sampler,
): Uint8Array {
  const out = new Uint8Array(depth * size.height * size.width);
  const span = (i: number, from: number, to: number): readonly [number, number] => {
    const start = Math.floor((i * from) / to);
    return [start, Math.max(start + 1, Math.floor(((i + 1) * from) / to))];
  };
  let at = 0;
  for (let z = 0; z < depth; z++)
    for (let row = 0; row < size.height; row++)
      for (let column = 0; column < size.width; column++)
        out[at++] = pick(source, z * width * height, width, {
          x: span(column, width, size.width),
          y: span(row, height, size.height),
        });
  return out;
}

type Sizes = Readonly<Record<"width" | "height" | "depth", number>>;
