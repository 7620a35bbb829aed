import { type Tensor, tensor, zeros } from "@pixelcal/core";
import type { Graph } from "@pixelcal/graph";

/** Float arrays by name: parameters, their gradients, their optimizer state. */
export type NamedArrays = Record<string, Tensor<"float32">>;

/** Returns copies of a model's weights. */
export const copies = (model: Graph, names: readonly string[]): NamedArrays =>
  copied(Object.fromEntries(names.map((name) => [name, model.initializers.get(name) as Tensor<"float32">])));

/** Returns copies of arrays. */
export const copied = (arrays: Readonly<NamedArrays>): NamedArrays =>
  Object.fromEntries(
    Object.entries(arrays).map(([name, { dims, data }]) => [name, tensor("float32", data.slice(), dims)]),
  );

/** Returns zeros in the shapes of the arrays with these names. */
export const zerosLike = (arrays: Readonly<NamedArrays>, names: readonly string[]): NamedArrays =>
  Object.fromEntries(names.map((name) => [name, zeros("float32", arrays[name]!.dims)]));

/** Adds arrays to the sums of the same names. */
export function addTo(sums: NamedArrays, addends: Readonly<NamedArrays>): void {
  for (const [name, { data }] of Object.entries(addends)) {
    const sum = sums[name]!.data;
    for (let i = 0; i < data.length; i++) sum[i]! += data[i]!;
  }
}

/** Sets all elements to 0. */
export function clear(arrays: Readonly<NamedArrays>): void {
  for (const { data } of Object.values(arrays)) data.fill(0);
}
