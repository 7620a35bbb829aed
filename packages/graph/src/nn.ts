import type { Tensor } from "@pixelcal/core";
import { fromNumbers } from "./data-types.js";
import type { Graph, Value } from "./ir.js";
import * as ops from "./operators/ops.js";
import { sizeOf } from "./operators/spec.js";

/** Gives a weight its first values. `fanIn` is how many inputs one output sums over. */
export type Initialize = (name: string, dims: readonly number[], fanIn: number) => Tensor;

export interface ConvOptions {
  /** The same for every spatial axis, or one per axis. */
  readonly kernel: number | readonly number[];
  readonly stride?: number | readonly number[];
  /** Before and after each axis. */
  readonly padding?: number | readonly number[];
  readonly dilation?: number | readonly number[];
  readonly group?: number;
  /** True by default. */
  readonly bias?: boolean;
}

export interface ConvTransposeOptions extends ConvOptions {
  readonly outputPadding?: number | readonly number[];
}

/**
 * Layers with PyTorch's names for their weights: "name.weight", "name.bias", "name.running_mean",
 * "name.running_var". Normalisations begin with scale 1 and bias 0.
 */
export class Layers {
  readonly #graph: Graph;
  readonly #initialize: Initialize;

  constructor(graph: Graph, initialize: Initialize) {
    this.#graph = graph;
    this.#initialize = initialize;
  }

  /**
   * Adds a convolution: x [N, C, ...spatial] to [N, channels, ...]; weight [channels, C / group, ...kernel].
   */
  conv(name: string, x: Value, channels: number, options: ConvOptions): Value {
    const { kernel, group = 1, ...attributes } = this.#attributes(x, options);
    const weight = this.#weight(`${name}.weight`, [channels, x.dims[1]! / group, ...kernel]);
    return ops.Conv(x, weight, this.#bias(name, channels, weight, options), { group, ...attributes });
  }

  /**
   * Adds a transposed convolution: x [N, C, ...spatial] to [N, channels, ...]; weight [C, channels / group,
   * ...kernel].
   */
  convTranspose(name: string, x: Value, channels: number, options: ConvTransposeOptions): Value {
    const { kernel, group = 1, ...attributes } = this.#attributes(x, options);
    const weight = this.#weight(`${name}.weight`, [x.dims[1]!, channels / group, ...kernel]);
    const output_padding = perAxis(x, options.outputPadding ?? 0);
    const bias = this.#bias(name, channels, weight, options);
    return ops.ConvTranspose(x, weight, bias, { group, ...attributes, output_padding });
  }

  /**
   * Normalises by running statistics, which `trainingForm` turns into batch statistics. Momentum is ONNX's:
   * 0.9 is PyTorch's 0.1.
   */
  batchNorm(
    name: string,
    x: Value,
    options: { readonly epsilon?: number; readonly momentum?: number } = {},
  ): Value {
    const [scale, bias] = this.#affine(name, x);
    const mean = this.#filled(`${name}.running_mean`, x.dims[1]!, 0);
    const variance = this.#filled(`${name}.running_var`, x.dims[1]!, 1);
    return ops.BatchNormalization(x, scale, bias, mean, variance, options);
  }

  instanceNorm(name: string, x: Value, options: { readonly epsilon?: number } = {}): Value {
    return ops.InstanceNormalization(x, ...this.#affine(name, x), options);
  }

  /** Adds a linear layer: x [..., features] to [..., outputs]; weight [outputs, features]. */
  linear(name: string, x: Value, outputs: number, options: { readonly bias?: boolean } = {}): Value {
    const weight = this.#weight(`${name}.weight`, [outputs, x.dims.at(-1)!]);
    const product = ops.MatMul(x, ops.Transpose(weight, [1, 0]));
    const bias = this.#bias(name, outputs, weight, options);
    return bias === undefined ? product : ops.Add(product, bias);
  }

  #attributes(x: Value, { kernel, stride, padding, dilation, group }: ConvOptions) {
    const pads = padding === undefined ? undefined : perAxis(x, padding);
    return {
      kernel: perAxis(x, kernel),
      strides: stride === undefined ? undefined : perAxis(x, stride),
      dilations: dilation === undefined ? undefined : perAxis(x, dilation),
      pads: pads && [...pads, ...pads],
      group,
    };
  }

  #weight(name: string, dims: readonly number[]): Value {
    return this.#graph.initializer(name, this.#initialize(name, dims, sizeOf(dims.slice(1))));
  }

  #bias(
    name: string,
    count: number,
    weight: Value,
    { bias = true }: { readonly bias?: boolean },
  ): Value | undefined {
    if (!bias) return undefined;
    const full = `${name}.bias`;
    return this.#graph.initializer(full, this.#initialize(full, [count], sizeOf(weight.dims.slice(1))));
  }

  #affine(name: string, x: Value): [scale: Value, bias: Value] {
    const channels = x.dims[1]!;
    return [this.#filled(`${name}.weight`, channels, 1), this.#filled(`${name}.bias`, channels, 0)];
  }

  #filled(name: string, count: number, value: number): Value {
    return this.#graph.initializer(name, fromNumbers("float32", Array<number>(count).fill(value), [count]));
  }
}

const perAxis = (x: Value, sizes: number | readonly number[]): readonly number[] =>
  typeof sizes === "number" ? Array<number>(x.dims.length - 2).fill(sizes) : sizes;
