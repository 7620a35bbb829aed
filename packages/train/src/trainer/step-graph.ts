import { checkOptions, optionNames, type Tensor } from "@pixelcal/core";
import {
  Graph,
  gradients,
  lower,
  ops,
  prune,
  rewrite,
  trainingForm,
  updatedName,
  type Value,
} from "@pixelcal/graph";
import { type Loss, targetDims } from "@pixelcal/losses";
import { rolesOf } from "../model/image-and-logits.js";
import { type Activation, withProbabilities } from "../predict/probability-graph.js";
import type { TrainDevice } from "../runtime/session.js";
import { allPacks, type Packs } from "./packs.js";
import { gradientOf, nextOf, norm, normOutput } from "./update-graph.js";

const termPrefix = "term/";
/** Names of a training graph's inputs and outputs other than those of the model. */
export const lossOutput = "loss";
const termOutput = (name: string): string => termPrefix + name;
export const gradientOutput = (name: string): string => `gradient/${name}`;
export const targetInput = (name: string): string => `target/${name}`;

/** The device that a graph is lowered for, and how it takes the weights. */
export interface GraphLayout {
  /** Any device by default. */
  readonly device?: TrainDevice;
  /** Packs of weights that the graph takes as inputs; gradients and new buffers are packed alike. */
  readonly packs?: Packs | undefined;
  /** Channels that the processor's kernels keep together, see `lower`. */
  readonly block?: number;
}

const layoutTable = { device: true, packs: true, block: true } as const;
const layoutNames = optionNames<GraphLayout>(layoutTable);

export interface StepGraphOptions extends GraphLayout {
  readonly loss: Loss;
  /** Parameters that get a gradient. */
  readonly trainable: readonly string[];
  /** Weights of the outputs' losses, in their order; 1 for a single output. */
  readonly weights?: readonly number[];
  /** "frozen": batch norms use their running statistics and keep them; "update" by default. */
  readonly batchNorm?: "update" | "frozen";
}

const stepNames = optionNames<StepGraphOptions>({
  ...layoutTable,
  loss: true,
  trainable: true,
  weights: true,
  batchNorm: true,
});

/**
 * Builds model and loss as one lowered graph. Inputs: image, targets, parameters and buffers. Outputs:
 * logits, loss, its terms, a gradient per trainable parameter and the new buffers. The terms are those of the
 * first output; the losses of other outputs are terms of their own. Batch norms use the batch's statistics.
 */
export function buildStepGraph(model: Graph, options: StepGraphOptions): Graph {
  checkOptions("options", options, stepNames);
  const { loss, trainable, device, packs, block, weights, batchNorm = "update" } = options;
  const fed = withInputs(model, packs);
  const graph = batchNorm === "frozen" ? fed : trainingForm(fed);
  const outputs = [...model.outputs.keys()].map((name) => graph.outputs.get(name)!);
  const value = addLoss(graph, outputs, loss, weights);
  const slopes = gradients(
    value,
    trainable.map((name) => graph.value(name)!),
  );
  if (packs === undefined) {
    for (const [index, name] of trainable.entries()) graph.output(gradientOutput(name), slopes[index]!);
    return lower(graph, { device, block });
  }
  const joined = packs.trained.map((pack) => pack.join((name) => slopes[trainable.indexOf(name)]!));
  for (const [index, pack] of packs.trained.entries()) graph.output(gradientOf(pack.name), joined[index]!);
  for (const pack of packs.buffers) {
    const next = pack.join((name) => graph.outputs.get(updatedName(name)) ?? graph.value(name)!);
    graph.output(nextOf(pack.name), next);
  }
  graph.output(normOutput, norm(joined));
  // A session that keeps outputs on the device returns all outputs, so those that no step needs are removed.
  const buffers = packs.buffers.flatMap(({ members }) => members.map(({ name }) => updatedName(name)));
  const apart = new Set([...model.outputs.keys(), ...buffers]);
  return lower(rewrite(graph, { output: (name) => (apart.has(name) ? [] : undefined) }), { device });
}

/**
 * Builds model and loss with inference behaviour. Inputs: image, targets, parameters and buffers. Outputs:
 * logits, loss and terms.
 */
export function buildEvaluationGraph(model: Graph, loss: Loss, layout: GraphLayout = {}): Graph {
  checkOptions("layout", layout, layoutNames);
  const graph = firstOutput(withInputs(model, layout.packs));
  addLoss(graph, [...graph.outputs.values()], loss);
  return lower(graph, layout);
}

/**
 * Builds the model with inference behaviour. Inputs: image, parameters and buffers, also those that only
 * other outputs need. Output: logits of the first output, or with `activation` its probabilities.
 */
export function buildInferenceGraph(model: Graph, layout: GraphLayout = {}, activation?: Activation): Graph {
  checkOptions("layout", layout, layoutNames);
  const graph = withInputs(model, layout.packs);
  return lower(activation === undefined ? firstOutput(graph) : withProbabilities(graph, activation), layout);
}

/** Returns a copy with the first output alone. */
function firstOutput(model: Graph): Graph {
  const [first] = model.outputs.keys();
  if (model.outputs.size === 1) return model;
  return prune(rewrite(model, { output: (name) => (name === first ? undefined : []) }));
}

/**
 * Builds a loss alone as a lowered graph. Inputs: "logits" and targets. Outputs: loss, terms and
 * "gradient/logits".
 */
export function buildLossGraph(loss: Loss, dims: readonly number[], device?: TrainDevice): Graph {
  const graph = new Graph(loss.name);
  const logits = graph.input("logits", "float32", dims);
  const value = addLoss(graph, [logits], loss);
  graph.output(gradientOutput("logits"), gradients(value, [logits])[0]!);
  return lower(graph, { device });
}

/** The value of a loss and its terms. */
export interface LossValues {
  readonly loss: number;
  readonly terms: Readonly<Record<string, number>>;
}

/** Returns targets under the names of a graph's target inputs. */
export const targetFeeds = (targets: Readonly<Record<string, Tensor>>): Record<string, Tensor> =>
  Object.fromEntries(Object.entries(targets).map(([name, target]) => [targetInput(name), target]));

/** Returns loss and terms from the outputs of a graph that has them. */
export function lossValues(outputs: Readonly<Record<string, Tensor>>): LossValues {
  const terms: Record<string, number> = {};
  for (const [name, value] of Object.entries(outputs)) {
    if (name.startsWith(termPrefix)) terms[name.slice(termPrefix.length)] = Number(value.data[0]);
  }
  return { loss: Number(outputs[lossOutput]!.data[0]), terms };
}

/** Returns a copy that takes parameters and buffers as inputs of their names, or slices them from packs. */
function withInputs(model: Graph, packs?: Packs): Graph {
  const { parameters, buffers } = rolesOf(model);
  const fed = new Set([...parameters, ...buffers]);
  const all = packs === undefined ? [] : allPacks(packs);
  return rewrite(model, {
    initializer: (name, { type, dims }, target) => {
      if (!fed.has(name)) return undefined;
      const pack = all.find(({ members }) => members.some((member) => member.name === name));
      return pack === undefined ? target.input(name, type, dims) : pack.member(target, name);
    },
  });
}

/**
 * Adds the weighted sum of the outputs' losses; its terms are those of the first output and the other
 * outputs' losses.
 */
function addLoss(
  graph: Graph,
  outputs: readonly Value[],
  loss: Loss,
  weights: readonly number[] = [1],
): Value {
  const targets: Record<string, Value> = {};
  for (const [name, spec] of Object.entries(loss.targetSpecs)) {
    targets[name] = graph.input(targetInput(name), spec.type, targetDims(spec, outputs[0]!.dims));
  }
  const built = outputs.map((logits) => loss.build(logits, targets));
  for (const [name, term] of Object.entries(built[0]!.terms)) graph.output(termOutput(name), term);
  const parts = built.map((one, i) => (weights[i] === 1 ? one.loss : ops.Mul(one.loss, weights[i]!)));
  for (const [i, { name }] of outputs.entries()) {
    if (i > 0) graph.output(termOutput(`output/${name}`), built[i]!.loss);
  }
  graph.output(
    lossOutput,
    parts.reduce((sum, part) => ops.Add(sum, part)),
  );
  return graph.outputs.get(lossOutput)!;
}
