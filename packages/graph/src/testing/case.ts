import type { DataType, Tensor } from "@pixelcal/core";
import { fromNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import { sizeOf } from "../operators/spec.js";

export interface InputSpec {
  readonly dims: readonly number[];
  readonly type?: "float" | "int32" | "bool";
  /** Returns an element, given a uniform random number in [-1, 1) and its place; that number by default. */
  readonly value?: (random: number, at: number) => number;
  /** Whether gradients by it are checked; floats by default. */
  readonly differentiable?: boolean;
}

/** A small expression around one operator, with the inputs to try it on. */
export interface OperatorCase {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  /** Set where webgpu lacks the operator. */
  readonly notOnGpu?: boolean;
  build(inputs: Readonly<Record<string, Value>>): Value | readonly Value[];
}

/** Makes a generator of numbers in [-1, 1) that depend on the seed alone (Lehmer's). */
export function uniforms(seed: number): () => number {
  let state = (seed * 7919 + 1) % 2147483647;
  for (let warm = 0; warm < 4; warm++) state = (state * 48271) % 2147483647;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647) * 2 - 1;
  };
}

const same = (random: number): number => random;

/** Returns the tensors of a case, floats in the given type. */
export function feedsOf({ inputs }: OperatorCase, float: DataType, seed = 1): Record<string, Tensor> {
  const next = uniforms(seed);
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { dims, type = "float", value = same }]) => {
      const count = sizeOf(dims);
      const numbers = Array.from({ length: count }, (_, at) => value(next(), at));
      return [name, fromNumbers(type === "float" ? float : type, numbers, dims)];
    }),
  );
}

// Values away from the points where a function is not differentiable.
export const positive = (random: number): number => 1.5 + random;
export const awayFromZero = (random: number): number => random + Math.sign(random) * 0.1;
/** Returns values at least 0.01 apart, in an order that looks random. */
export const apart = (random: number, at: number): number => ((at * 37) % 101) / 20 - 2.5 + random * 1e-3;
export const integers =
  (below: number) =>
  (random: number): number =>
    Math.min(Math.floor(((random + 1) / 2) * below), below - 1);
