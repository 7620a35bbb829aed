import { invalidArgument, type Tensor } from "@pixelcal/core";
import { type Graph, gradients, lower, type Node, ops, rewriteWithMap, type Value } from "@pixelcal/graph";
import { type Loss, targetDims } from "@pixelcal/losses";
import { modelEnds, rolesOf } from "./model-arrays.js";

const termPrefix = "term/";
/** Names of what a training graph has beside the model's own inputs and outputs, parameters and buffers. */
export const lossOutput = "loss";
export const termOutput = (name: string): string => termPrefix + name;
export const gradientOutput = (name: string): string => `gradient/${name}`;
export const bufferOutput = (name: string): string => `buffer/${name}`;
export const targetInput = (name: string): string => `target/${name}`;

export interface StepGraphOptions {
  readonly loss: Loss;
  /** Parameters that get a gradient. */
  readonly trainable: readonly string[];
}

/**
 * Model and loss as ONE graph: image, targets, parameters and buffers in; logits, loss, its terms, a gradient per
 * trainable parameter and the new buffers out. Batch norms use the batch's statistics. Lowered, ready for a session.
 */
export function buildStepGraph(model: Graph, { loss, trainable }: StepGraphOptions): Graph {
  const { graph, logits, buffers } = withInputs(model, true);
  const value = addLoss(graph, logits, loss);
  const slopes = gradients(
    value,
    trainable.map((name) => graph.value(name)!),
  );
  for (const [index, name] of trainable.entries()) graph.output(gradientOutput(name), slopes[index]!);
  for (const [name, buffer] of buffers) graph.output(bufferOutput(name), buffer);
  return lower(graph, { training: true });
}

/** Model and loss with inference behaviour: image, targets, parameters and buffers in; logits, loss and terms out. */
export function buildEvaluationGraph(model: Graph, loss: Loss): Graph {
  const { graph, logits } = withInputs(model, false);
  addLoss(graph, logits, loss);
  return lower(graph);
}

/** The model with inference behaviour: image, parameters and buffers in, logits out. */
export function buildInferenceGraph(model: Graph): Graph {
  return lower(withInputs(model, false).graph);
}

/** A loss alone as a graph: input "logits" and targets; outputs loss, terms and "gradient/logits". Lowered. */
export function buildLossGraph(loss: Loss, graph: Graph, dims: readonly number[]): Graph {
  const logits = graph.input("logits", "float32", dims);
  const value = addLoss(graph, logits, loss);
  graph.output(gradientOutput("logits"), gradients(value, [logits])[0]!);
  return lower(graph, { training: true });
}

/** A loss with the terms it is made of. */
export interface LossValues {
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
}

/** Loss and terms from the outputs of a graph that has them. */
export function lossValues(outputs: Readonly<Record<string, Tensor>>): LossValues {
  const terms: Record<string, number> = {};
  for (const [name, { data }] of Object.entries(outputs)) {
    if (name.startsWith(termPrefix)) terms[name.slice(termPrefix.length)] = Number(data[0]);
  }
  return { loss: Number(outputs[lossOutput]!.data[0]), terms };
}

interface Copy {
  readonly graph: Graph;
  readonly logits: Value;
  /** Each buffer's value after a step. */
  readonly buffers: ReadonlyMap<string, Value>;
}

/** A copy of the model that takes its parameters and buffers as inputs of their names. */
function withInputs(model: Graph, training: boolean): Copy {
  const { parameters, buffers: carried } = rolesOf(model);
  const fed = new Set([...parameters, ...carried]);
  const buffers = new Map<string, Value>();
  const { graph, map } = rewriteWithMap(model, {
    initializer: (name, { type, dims }, target) =>
      fed.has(name) ? target.input(name, type, dims) : undefined,
    node: (node, operands, target) =>
      training && node.opType === "BatchNormalization"
        ? trainingNorm(target, node, operands, buffers)
        : undefined,
  });
  return { graph, logits: map(modelEnds(model).logits), buffers };
}

/**
 * Batch normalisation by the batch's own mean and biased variance. The new running variance takes the unbiased
 * variance, as PyTorch does and ONNX's operator does not: what the operator added is scaled by n / (n - 1).
 */
function trainingNorm(
  graph: Graph,
  node: Node,
  operands: readonly (Value | undefined)[],
  buffers: Map<string, Value>,
): readonly Value[] {
  const [x, , , mean, variance] = operands as Value[];
  const [batch = 0, , ...spatial] = x!.dims;
  const count = spatial.reduce((a, b) => a * b, batch);
  if (count < 2) {
    throw invalidArgument(
      "image",
      `more than one value per channel at batch norm ${node.name}`,
      `[${x!.dims}]`,
    );
  }
  const attributes = { ...node.attributes, training_mode: 1 };
  const outputs = graph.node("BatchNormalization", operands, attributes, { outputs: 3 });
  const [, newMean, newVariance] = outputs as [Value, Value, Value];
  const kept = ops.Mul(variance!, (node.attributes.momentum as number | undefined) ?? 0.9);
  const added = ops.Mul(ops.Sub(newVariance, kept), count / (count - 1));
  buffers.set(mean!.name, newMean);
  buffers.set(variance!.name, ops.Add(kept, added));
  return outputs;
}

function addLoss(graph: Graph, logits: Value, loss: Loss): Value {
  const targets: Record<string, Value> = {};
  for (const [name, spec] of Object.entries(loss.targetSpecs)) {
    targets[name] = graph.input(targetInput(name), spec.type, targetDims(spec, logits.dims));
  }
  const { loss: value, terms } = loss.build(logits, targets);
  for (const [name, term] of Object.entries(terms)) graph.output(termOutput(name), term);
  graph.output(lossOutput, value);
  return graph.outputs.get(lossOutput)!;
}
