import type { Tensor } from "@pixelcal/core";
import { Graph, gradients, lower, rewrite, trainingForm, type Value } from "@pixelcal/graph";
import { type Loss, targetDims } from "@pixelcal/losses";
import { rolesOf } from "./model-arrays.js";
import type { TrainDevice } from "./session.js";

const termPrefix = "term/";
/** Names of what a training graph has beside the model's own inputs and outputs, parameters and buffers. */
export const lossOutput = "loss";
export const termOutput = (name: string): string => termPrefix + name;
export const gradientOutput = (name: string): string => `gradient/${name}`;
export const targetInput = (name: string): string => `target/${name}`;

export interface StepGraphOptions {
  readonly loss: Loss;
  /** Parameters that get a gradient. */
  readonly trainable: readonly string[];
  /** What to lay the graph out for; every device by default. */
  readonly device?: TrainDevice;
}

/**
 * Model and loss as ONE graph: image, targets, parameters and buffers in; logits, loss, its terms, a gradient per
 * trainable parameter and the new buffers out. Batch norms use the batch's statistics. Lowered, ready for a session.
 */
export function buildStepGraph(model: Graph, { loss, trainable, device }: StepGraphOptions): Graph {
  const graph = trainingForm(withInputs(model));
  const value = addLoss(graph, logitsOf(graph), loss);
  const slopes = gradients(
    value,
    trainable.map((name) => graph.value(name)!),
  );
  for (const [index, name] of trainable.entries()) graph.output(gradientOutput(name), slopes[index]!);
  return lower(graph, { device });
}

/** Model and loss with inference behaviour: image, targets, parameters and buffers in; logits, loss and terms out. */
export function buildEvaluationGraph(model: Graph, loss: Loss, device?: TrainDevice): Graph {
  const graph = withInputs(model);
  addLoss(graph, logitsOf(graph), loss);
  return lower(graph, { device });
}

/** The model with inference behaviour: image, parameters and buffers in, logits out. */
export function buildInferenceGraph(model: Graph, device?: TrainDevice): Graph {
  return lower(withInputs(model), { device });
}

/** A loss alone as a graph: input "logits" and targets; outputs loss, terms and "gradient/logits". Lowered. */
export function buildLossGraph(loss: Loss, dims: readonly number[], device?: TrainDevice): Graph {
  const graph = new Graph(loss.name);
  const logits = graph.input("logits", "float32", dims);
  const value = addLoss(graph, logits, loss);
  graph.output(gradientOutput("logits"), gradients(value, [logits])[0]!);
  return lower(graph, { device });
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

/** A copy that takes its parameters and buffers as inputs of their names. */
function withInputs(model: Graph): Graph {
  const { parameters, buffers } = rolesOf(model);
  const fed = new Set([...parameters, ...buffers]);
  return rewrite(model, {
    initializer: (name, { type, dims }, target) =>
      fed.has(name) ? target.input(name, type, dims) : undefined,
  });
}

/** The model's output, which a copy has first. */
const logitsOf = (graph: Graph): Value => [...graph.outputs.values()][0]!;

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
