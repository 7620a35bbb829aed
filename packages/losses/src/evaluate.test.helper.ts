import { readFileSync } from "node:fs";
import { type Labels, type Tensor, tensor } from "@pixelcal/core";
import { Graph, gradients, interpret, type Value } from "@pixelcal/graph";
import { type Loss, targetDims } from "./loss.js";
import type { NamedLoss } from "./registry.js";

/** A loss, its terms and the gradient of one of them with respect to the logits, in float64. */
export interface Evaluation {
  readonly terms: Readonly<Record<string, number>>;
  readonly gradient: Float64Array;
}

export interface Example {
  /** [N, C, ...spatial] */
  readonly logits: Tensor<"float32">;
  readonly labels: Labels;
  readonly spacing?: readonly number[];
  readonly image?: Tensor<"float32">;
}

/** Evaluates `loss` with the interpreter; the gradient is that of `of`, the loss itself by default. */
export async function evaluate(loss: Loss, example: Example, of = "loss"): Promise<Evaluation> {
  const { logits, labels, spacing, image } = example;
  const targets = await loss.targets(labels, { classes: logits.dims[1]!, spacing, image });
  return evaluateWith(loss, logits, targets, of);
}

/** Evaluates `loss` with targets that are already there. */
export function evaluateWith(
  loss: Loss,
  logits: Tensor<"float32">,
  targets: Readonly<Record<string, Tensor>>,
  of = "loss",
): Evaluation {
  const graph = new Graph("loss");
  const z = graph.input("logits", "float32", logits.dims);
  const inputs: Record<string, Value> = {};
  const feeds: Record<string, Tensor> = { logits };
  const given = { ...targets, ...loss.state?.arrays(logits.dims[1]!) };
  for (const [name, spec] of Object.entries(loss.targetSpecs)) {
    inputs[name] = graph.input(`target.${name}`, spec.type, targetDims(spec, logits.dims));
    feeds[`target.${name}`] = given[name]!;
  }
  const built = loss.build(z, inputs);
  const values: Record<string, Value> = { ...built.terms, loss: built.loss };
  for (const [name, value] of Object.entries(values)) graph.output(`value.${name}`, value);
  graph.output("gradient", gradients(values[of]!, [z])[0]!);
  const results = interpret(graph, feeds);
  const terms = Object.keys(values).map((name) => [name, Number(results[`value.${name}`]!.data[0])]);
  return {
    terms: Object.fromEntries(terms),
    gradient: Float64Array.from(results.gradient!.data as Float64Array),
  };
}

/** One fixture of test/golden and the losses evaluated on it. */
export interface Golden {
  readonly fixture: {
    readonly dims: readonly number[];
    readonly logits: { amplitude: number; phase: number; coefficients: readonly number[]; whole: boolean };
    /** value, count, value, count, ... */
    readonly labels: readonly number[];
    readonly image: readonly number[];
    readonly spacing: readonly number[];
    /** Where the gradient's `entries` are. */
    readonly entries: readonly number[];
  };
  readonly cases: readonly {
    readonly loss: NamedLoss;
    readonly terms: Readonly<Record<string, number>>;
    readonly norm: number;
    readonly dot: number;
    readonly entries: readonly number[];
  }[];
}

export function golden<T = Golden>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../test/golden/${name}.json`, import.meta.url), "utf8")) as T;
}

/** Makes the logits, labels and image that a fixture describes. */
export function exampleOf({ dims, logits, labels, image, spacing }: Golden["fixture"]): Example {
  const { amplitude, phase, coefficients, whole } = logits;
  const pixels = dims.filter((_, axis) => axis !== 1);
  const classes: number[] = [];
  for (let i = 0; i < labels.length; i += 2) {
    classes.push(...new Array<number>(labels[i + 1]!).fill(labels[i]!));
  }
  const wave = waves(dims, coefficients, (angle) => {
    const z = amplitude * Math.sin(phase + angle);
    return whole ? Math.floor(z + 0.5) : z;
  });
  return {
    logits: tensor("float32", wave, dims),
    labels: tensor("uint8", Uint8Array.from(classes), pixels),
    image: tensor("float32", waves(pixels, image, Math.cos), [dims[0]!, 1, ...dims.slice(2)]),
    spacing,
  };
}

/** Returns f(sum of coefficient * index over the axes) at every index. */
export function waves(
  dims: readonly number[],
  coefficients: readonly number[],
  f: (angle: number) => number,
): Float32Array<ArrayBuffer> {
  const count = dims.reduce((a, b) => a * b, 1);
  return Float32Array.from({ length: count }, (_, flat) => {
    let angle = 0;
    let rest = flat;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      angle += coefficients[axis]! * (rest % dims[axis]!);
      rest = Math.floor(rest / dims[axis]!);
    }
    return f(angle);
  });
}
