import type { Tensor } from "@pixelcal/core";
import { Graph, gradients, lower, rewrite, trainingForm, updatedName, type Value } from "@pixelcal/graph";
import { type Loss, targetDims } from "@pixelcal/losses";
import { rolesOf } from "./model-arrays.js";
import type { Pack } from "./packing.js";
import type { TrainDevice } from "./session.js";
import { gradientOf, nextOf, norm, normOutput } from "./update-graph.js";

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
  /** Arrays that are fed as packs; of those trained the gradients, of buffers the new values are packed too. */
  readonly packs?: Packs;
}

/** How the arrays of a model lie on a device that keeps them. */
export interface Packs {
  readonly trained: readonly Pack[];
  readonly frozen: readonly Pack[];
  readonly buffers: readonly Pack[];
}

/**
 * Model and loss as ONE graph: image, targets, parameters and buffers in; logits, loss, its terms, a gradient per
 * trainable parameter and the new buffers out. Batch norms use the batch's statistics. Lowered, ready for a session.
 */
export function buildStepGraph(model: Graph, { loss, trainable, device, packs }: StepGraphOptions): Graph {
  const graph = trainingForm(withInputs(model, packs));
  const value = addLoss(graph, logitsOf(graph), loss);
  const slopes = gradients(
    value,
    trainable.map((name) => graph.value(name)!),
  );
  if (packs === undefined) {
    for (const [index, name] of trainable.entries()) graph.output(gradientOutput(name), slopes[index]!);
    return lower(graph, { device });
  }
  const joined = packs.trained.map((pack) => pack.join((name) => slopes[trainable.indexOf(name)]!));
  for (const [index, pack] of packs.trained.entries()) graph.output(gradientOf(pack.name), joined[index]!);
  for (const pack of packs.buffers) {
    const next = pack.join((name) => graph.outputs.get(updatedName(name)) ?? graph.value(name)!);
    graph.output(nextOf(pack.name), next);
  }
  graph.output(normOutput, norm(joined));
  return lower(graph, { device });
}

/** Model and loss with inference behaviour: image, targets, parameters and buffers in; logits, loss and terms out. */
export function buildEvaluationGraph(model: Graph, loss: Loss, device?: TrainDevice, packs?: Packs): Graph {
  const graph = withInputs(model, packs);
  addLoss(graph, logitsOf(graph), loss);
  return lower(graph, { device });
}

/** The model with inference behaviour: image, parameters and buffers in, logits out. */
export function buildInferenceGraph(model: Graph, device?: TrainDevice, packs?: Packs): Graph {
  return lower(withInputs(model, packs), { device });
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
  for (const [name, value] of Object.entries(outputs)) {
    if (name.startsWith(termPrefix)) terms[name.slice(termPrefix.length)] = Number(value.data[0]);
  }
  return { loss: Number(outputs[lossOutput]!.data[0]), terms };
}

/** A copy that takes its parameters and buffers as inputs of their names, or cuts them out of packs. */
function withInputs(model: Graph, packs?: Packs): Graph {
  const { parameters, buffers } = rolesOf(model);
  const fed = new Set([...parameters, ...buffers]);
  const all = packs === undefined ? [] : [...packs.trained, ...packs.frozen, ...packs.buffers];
  return rewrite(model, {
    initializer: (name, { type, dims }, target) => {
      if (!fed.has(name)) return undefined;
      const pack = all.find(({ members }) => members.some((member) => member.name === name));
      return pack === undefined ? target.input(name, type, dims) : pack.member(target, name);
    },
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
