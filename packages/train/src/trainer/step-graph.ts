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
import type { TrainDevice } from "../runtime/session.js";
import type { Pack } from "./pack.js";
import { gradientOf, nextOf, norm, normOutput } from "./update-graph.js";

const termPrefix = "term/";
/** Names of what a training graph has beside the model's own inputs and outputs, parameters and buffers. */
export const lossOutput = "loss";
const termOutput = (name: string): string => termPrefix + name;
export const gradientOutput = (name: string): string => `gradient/${name}`;
export const targetInput = (name: string): string => `target/${name}`;

/** What a graph is laid out for. */
export interface GraphLayout {
  /** Every device by default. */
  readonly device?: TrainDevice;
  /** Arrays that are fed as packs; of those trained the gradients, of buffers the new values are packed too. */
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
  /** Weight of every output's loss, in the order of the outputs; 1 for a single output. */
  readonly weights?: readonly number[];
  /** "frozen": batch norms use their running statistics, which stay; "update" by default. */
  readonly batchNorm?: "update" | "frozen";
}

const stepNames = optionNames<StepGraphOptions>({
  ...layoutTable,
  loss: true,
  trainable: true,
  weights: true,
  batchNorm: true,
});

/** How the arrays of a model lie on a device that keeps them. */
export interface Packs {
  readonly trained: readonly Pack[];
  readonly frozen: readonly Pack[];
  readonly buffers: readonly Pack[];
}

export const allPacks = ({ trained, frozen, buffers }: Packs): readonly Pack[] => [
  ...trained,
  ...frozen,
  ...buffers,
];

/**
 * Model and loss as ONE graph: image, targets, parameters and buffers in; logits, loss, its terms, a gradient per
 * trainable parameter and the new buffers out. The terms are those of the first output; the losses of others are terms
 * of their own. Batch norms use the batch's statistics. Lowered, ready for a session.
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
  // Sessions that leave outputs on the device give all they have: nothing is left that no step wants.
  const buffers = packs.buffers.flatMap(({ members }) => members.map(({ name }) => updatedName(name)));
  const apart = new Set([...model.outputs.keys(), ...buffers]);
  return lower(rewrite(graph, { output: (name) => (apart.has(name) ? [] : undefined) }), { device });
}

/** Model and loss with inference behaviour: image, targets, parameters and buffers in; logits, loss and terms out. */
export function buildEvaluationGraph(model: Graph, loss: Loss, layout: GraphLayout = {}): Graph {
  checkOptions("layout", layout, layoutNames);
  const graph = firstOutput(withInputs(model, layout.packs));
  addLoss(graph, [...graph.outputs.values()], loss);
  return lower(graph, layout);
}

/** The model with inference behaviour: image, parameters and buffers in, logits of the first output out. */
export function buildInferenceGraph(model: Graph, layout: GraphLayout = {}): Graph {
  checkOptions("layout", layout, layoutNames);
  return lower(firstOutput(withInputs(model, layout.packs)), layout);
}

/** A copy without the other outputs and what makes them. */
function firstOutput(model: Graph): Graph {
  const [first] = model.outputs.keys();
  if (model.outputs.size === 1) return model;
  return prune(rewrite(model, { output: (name) => (name === first ? undefined : []) }));
}

/** A loss alone as a graph: input "logits" and targets; outputs loss, terms and "gradient/logits". Lowered. */
export function buildLossGraph(loss: Loss, dims: readonly number[], device?: TrainDevice): Graph {
  const graph = new Graph(loss.name);
  const logits = graph.input("logits", "float32", dims);
  const value = addLoss(graph, [logits], loss);
  graph.output(gradientOutput("logits"), gradients(value, [logits])[0]!);
  return lower(graph, { device });
}

/** A loss with the terms it is made of. */
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

/** A copy that takes its parameters and buffers as inputs of their names, or cuts them out of packs. */
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

/** Adds the weighted sum of every output's loss, and as terms those of the first output and the other outputs' losses. */
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
