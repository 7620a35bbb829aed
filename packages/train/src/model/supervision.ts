import { type Layers, ops, type Value } from "@pixelcal/graph";

const outputName = (level: number): string => (level === 1 ? "logits" : `logits${level}`);

/**
 * Returns nnU-Net's weights in the loss of the decoder's levels: each half that of the finer one, the
 * coarsest without a head, their sum 1.
 */
export function supervisionWeights(levels: number): Readonly<Record<string, number>> {
  const heads = Math.max(1, levels - 1);
  const weights = Array.from({ length: heads }, (_, index) => 0.5 ** index);
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return Object.fromEntries(weights.map((weight, index) => [outputName(index + 1), weight / sum]));
}

/**
 * Adds the heads of deep supervision below the first: a 1x1 convolution of each level's maps, finest first,
 * interpolated linearly to the network's own size, where the loss compares it with the labels.
 */
export function supervise(
  layers: Layers,
  maps: readonly Value[],
  { classes, size }: { readonly classes: number; readonly size: readonly number[] },
): ReadonlyMap<string, Value> {
  const heads = Object.keys(supervisionWeights(maps.length)).slice(1);
  return new Map(
    heads.map((name, index) => {
      const map = layers.conv(`head${index + 2}`, maps[index + 1]!, classes, { kernel: 1 });
      return [name, ops.Resize(map, { sizes: [map.dims[0]!, classes, ...size], mode: "linear" })];
    }),
  );
}
