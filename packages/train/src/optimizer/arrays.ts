import { type Tensor, tensor, zeros } from "@pixelcal/core";
import type { Graph } from "@pixelcal/graph";

/** Float arrays by name: parameters, their gradients, their optimizer state. */
export type Arrays = Record<string, Tensor<"float32">>;

/** Copies of weights of a model. */
export const copies = (model: Graph, names: readonly string[]): Arrays =>
  copied(Object.fromEntries(names.map((name) => [name, model.initializers.get(name) as Tensor<"float32">])));

export const copied = (arrays: Readonly<Arrays>): Arrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { dims, data }]) => [name, tensor("float32", data.slice(), dims)]),
  );

/** Zeros in the shapes of those of these names. */
export const zerosLike = (arrays: Readonly<Arrays>, names: readonly string[]): Arrays =>
  Object.fromEntries(names.map((name) => [name, zeros("float32", arrays[name]!.dims)]));

export function addTo(sums: Arrays, addends: Readonly<Arrays>): void {
  for (const [name, { data }] of Object.entries(addends)) {
    const sum = sums[name]!.data;
    for (let i = 0; i < data.length; i++) sum[i]! += data[i]!;
  }
}

export function clear(arrays: Readonly<Arrays>): void {
  for (const { data } of Object.values(arrays)) data.fill(0);
}
