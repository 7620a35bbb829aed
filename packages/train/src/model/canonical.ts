import { elementCount, InvalidArgumentError, invalidArgument, sameDims } from "@pixelcal/core";
import { type Graph, isFloat, type Node, ops, prune, rewrite, type Value } from "@pixelcal/graph";
import { imageChannelAxis, outputChannelAxis, refuseLast } from "./channel-axes.js";
import { type Activation, activationAt } from "./find-logits.js";
import { type FurtherInputs, imageAmong } from "./further-inputs.js";
import { movingOperators } from "./image-and-logits.js";
import { probabilitiesIn } from "./probability-outputs.js";
import { unstacked } from "./stacked-outputs.js";

/** The way to read a network: its image, the outputs with logits, and the axes of classes and channels. */
export interface CanonicalOptions {
  /**
   * Names of the outputs to train or predict, the first being the prediction; needed where there are several.
   * Outputs of other sizes than the image are interpolated to it. Of an output y that stacks several, [N, D,
   * C, ...spatial], they are named y[0] to y[D - 1].
   */
  readonly outputs?: readonly string[];
  /** The axis of the classes in the outputs: 1 by default, -1 where channels come last. */
  readonly classAxis?: number;
  /** The axis of the channels in the image: 1 by default, -1 where channels come last. */
  readonly channelAxis?: number;
  /** "repeat": a network of several channels gets images of one channel in each, as RGB networks need. */
  readonly channels?: "repeat";
  /** The values of all inputs but the image. */
  readonly inputs?: FurtherInputs;
}

type Named<T> = { readonly [K in keyof Required<T>]: true };

/** The names of these options but `outputs`, for the tables of those who take them. */
export const readingNames: Named<Omit<CanonicalOptions, "outputs">> = {
  classAxis: true,
  channelAxis: true,
  channels: true,
  inputs: true,
};

/** The names of all of these options. */
export const canonicalNames: Named<CanonicalOptions> = { outputs: true, ...readingNames };

export interface FoundLogits {
  /** The value before the activation, or the output itself. */
  readonly logits: Value;
  readonly activation: Activation;
  /** The output's axis that the softmax is taken over, as far as it can be followed, and how long it is. */
  readonly axis?: number;
  readonly length?: number;
  /** The nodes between the activation and the output, in order: none of them computes. */
  readonly after: readonly Node[];
}

/**
 * Finds an output's logits: the input of the softmax, its logarithm or the sigmoid that it ends with, or the
 * output itself.
 */
export function logitsBehind(output: Value): FoundLogits {
  const after: Node[] = [];
  for (let value = output; value.node !== undefined; value = value.node.inputs[0]!) {
    const found = activationAt(value);
    if (found !== undefined) {
      const { logits, activation, axis: own } = found;
      if (own === undefined) return { logits, activation, after: after.toReversed() };
      const length = value.dims[own];
      const axis = axisBehind(own, after.toReversed());
      return { logits, activation, after: after.toReversed(), length, ...(axis !== undefined && { axis }) };
    }
    if (!movingOperators.has(value.node.opType)) break;
    after.push(value.node);
  }
  return { logits: output, activation: "none", after: [] };
}

/** Returns the axis of the logits that becomes the axis `wanted` of the output; undefined where none does. */
export function axisAtLogits({ logits, after }: FoundLogits, wanted: number): number | undefined {
  const axis = logits.dims.findIndex((_, own) => axisBehind(own, after) === wanted);
  return axis < 0 ? undefined : axis;
}

/** Returns the place of an axis after these nodes; undefined where it is no longer an axis of its own. */
function axisBehind(from: number, after: readonly Node[]): number | undefined {
  let axis = from;
  for (const { opType, attributes, inputs, outputs } of after) {
    const [before, dims] = [inputs[0]!.dims, outputs[0]!.dims];
    if (opType === "Transpose") {
      const perm = attributes.perm as readonly number[] | undefined;
      axis = perm === undefined ? dims.length - 1 - axis : perm.indexOf(axis);
    } else if (opType !== "Identity" && opType !== "Cast") {
      // Elements stay where they are in memory: an axis of the same size, as far apart, is the same axis.
      const [size, apart] = [before[axis]!, stepOf(before, axis)];
      axis = dims.findIndex((each, at) => each === size && stepOf(dims, at) === apart);
    }
    if (axis < 0) return undefined;
  }
  return axis;
}

const stepOf = (dims: readonly number[], axis: number): number => elementCount(dims.slice(axis + 1));

/** Returns the dims of a file's image whose canonical ones are [N, C, ...spatial]. */
export const imageDims = (dims: readonly number[], channelAxis = 1): readonly number[] =>
  movedAxes(dims.length, axisOf("channelAxis", channelAxis, dims.length)).map((axis) => dims[axis]!);

/** The ends that a network may have beside logits and a softmax of them. */
export interface Ends {
  /**
   * Told of every chosen output, by its place among them, whose channels are sigmoids of their own: labels
   * that may overlap. Without it they are refused.
   */
  readonly onMultiLabel?: (output: number) => void;
  /** Whether the channels are sigmoid heads, so that a softmax is refused. */
  readonly heads?: boolean;
}

/**
 * Returns the model with one image [N, C, ...spatial] in and logits [N, classes, ...spatial] of the image's
 * size out, one output per chosen one: taken before a softmax, its logarithm or a sigmoid, axes moved. One
 * channel z that is no head is two classes and becomes [0, z]: its softmax is z's sigmoid. Throws where an
 * output has other probabilities than the softmax of such logits, unless `ends` lets them through.
 */
export function canonical(
  parsed: Graph,
  options: Omit<CanonicalOptions, "channels" | "inputs"> = {},
  ends: Ends = {},
): Graph {
  const model = unstacked(parsed);
  const chosen = chosenOutputs(model, options.outputs);
  const image = imageAmong(model.inputs);
  const { channelAxis = 1, classAxis = 1 } = options;
  const rank = image.dims.length;
  if (image.type !== "float32" || rank < 3) {
    throw invalidArgument("model", "a float32 image [N, C, ...spatial]", described([image]));
  }
  const axis = axisOf("channelAxis", channelAxis, rank);
  refuseLast("channelAxis", `its first layer takes the last axis of ${image.name}`, {
    found: imageChannelAxis(model),
    wanted: axis,
    rank,
  });
  const dims = canonicalAxes(rank, axis).map((from) => image.dims[from]!);
  const size = dims.slice(2);
  const adapted = rewrite(model, {
    input: (value, target) => {
      if (axis === 1) return undefined;
      return ops.Transpose(target.input(value.name, value.type, dims), movedAxes(rank, axis));
    },
    output: (name, copy) => {
      if (!chosen.includes(name)) return [];
      const found = logitsBehind(copy);
      refuseDerived(name, copy, found);
      const wanted = axisOf("classAxis", classAxis, Math.max(2, copy.dims.length));
      checkSoftmax(name, found, wanted, classAxis);
      const last = { found: outputChannelAxis(copy), wanted, rank: copy.dims.length };
      refuseLast("classAxis", `its last layer has the last axis of ${name}`, last);
      const channels = copy.dims[wanted] ?? 1;
      if (found.activation === "sigmoid" && (channels > 1 || ends.heads)) {
        if (ends.onMultiLabel === undefined) throw multiLabel(name, channels);
        ends.onMultiLabel(chosen.indexOf(name));
      } else if (ends.heads && found.activation !== "none") {
        const got = `a ${found.activation} of ${channels} channels in ${name}`;
        throw invalidArgument("outputs", "logits or sigmoids, one channel a region", got);
      }
      const end = found.after.reduce(
        (value, node) => copy.graph.node(node.opType, [value, ...node.inputs.slice(1)], node.attributes)[0]!,
        found.logits,
      );
      const logits = asLogits(name, end, size, { classAxis, heads: ends.heads });
      return [[logits === copy ? name : `${name}/logits`, logits]];
    },
  });
  return ordered(prune(adapted), chosen);
}

export function refuseDerived(name: string, output: Value, { activation, after }: FoundLogits): void {
  const rounded = after.find(({ opType, outputs }) => opType === "Cast" && !isFloat(outputs[0]!.type));
  const found = activation === "none" ? probabilitiesIn(output) : rounded && activation;
  if (found === undefined) return;
  const { opType } = (rounded ?? output.node)!;
  const of = /^[AEIOU]/.test(found) ? "an" : "a";
  const got = found === opType ? `${opType} in ${name}` : `${opType} of ${of} ${found} in ${name}`;
  throw invalidArgument(
    "outputs",
    "logits, or a softmax or sigmoid of them",
    `${got}: name an output before it`,
  );
}

export function checkSoftmax(name: string, found: FoundLogits, wanted: number, classAxis: number): void {
  const { activation, axis, length } = found;
  if (length === 1) {
    const got = `a ${activation} over one channel in ${name}, which is the same everywhere`;
    throw invalidArgument("outputs", "a softmax over two classes or more", got);
  }
  if (axis === wanted || length === undefined) return;
  if (axis !== undefined)
    throw invalidArgument("classAxis", `${axis}, over which ${name} has its softmax`, classAxis);
  const got = `a ${activation} over ${length} elements in ${name}, which are not one of its axes`;
  throw invalidArgument("outputs", "a softmax over the classes", got);
}

/** Channels that are sigmoids of their own have no softmax: other probabilities would come of it. */
export const multiLabel = (name: string, channels: number): Error =>
  invalidArgument(
    "outputs",
    "logits, a softmax of them or a sigmoid of one channel",
    `a sigmoid of ${channels} channels in ${name}: multi-label outputs, whose classes overlap, need dataset.regions`,
  );

function chosenOutputs(model: Graph, names: readonly string[] | undefined): readonly string[] {
  const known = [...model.outputs.keys()];
  if (names === undefined) {
    if (known.length === 1) return known;
    throw new InvalidArgumentError(
      "outputs",
      `outputs: choose among ${described([...model.outputs.values()])}`,
    );
  }
  for (const name of names) {
    if (!known.includes(name)) throw invalidArgument("outputs", `names among ${known.join(", ")}`, name);
  }
  if (names.length === 0)
    throw invalidArgument("outputs", `names among ${known.join(", ")}`, "an empty list");
  return names;
}

const described = (values: readonly Value[]): string =>
  values.map(({ name, type, dims }) => `${name} ${type} [${dims.join(", ")}]`).join("; ") || "none";

export function axisOf(name: string, axis: number, rank: number): number {
  const positive = axis < 0 ? axis + rank : axis;
  if (Number.isInteger(axis) && positive >= 1 && positive < rank) return positive;
  throw invalidArgument(name, `an axis from 1 to ${rank - 1}, or -1 for the last`, axis);
}

/** Returns the order of axes that moves `axis` to the canonical 1. */
export const canonicalAxes = (rank: number, axis: number): readonly number[] =>
  [...new Array(rank).keys()].toSpliced(axis, 1).toSpliced(1, 0, axis);

/** Returns the order of axes that moves the canonical axis 1 to `axis`. */
export const movedAxes = (rank: number, axis: number): readonly number[] =>
  [...new Array(rank).keys()].toSpliced(1, 1).toSpliced(axis, 0, 1);

function asLogits(
  name: string,
  value: Value,
  size: readonly number[],
  { classAxis, heads = false }: { readonly classAxis: number; readonly heads?: boolean | undefined },
): Value {
  const rank = size.length + 2;
  if (value.type !== "float32" || value.dims.length !== rank) {
    const expected = `float32 logits of ${rank} axes, [N, classes, ...spatial]`;
    throw invalidArgument("model", expected, `${name} ${value.type} [${value.dims.join(", ")}]`);
  }
  const axis = axisOf("classAxis", classAxis, rank);
  const first = axis === 1 ? value : ops.Transpose(value, canonicalAxes(rank, axis));
  const logits = first.dims[1] === 1 && !heads ? twoClasses(first) : first;
  const [count = 1, classes = 1, ...own] = logits.dims;
  if (sameDims(own, size)) return logits;
  return ops.Resize(logits, { sizes: [count, classes, ...size], mode: "linear" });
}

/** Returns one channel z [N, 1, ...] as the logits [0, z] of two classes: their softmax is z's sigmoid. */
export function twoClasses(z: Value): Value {
  const zero = z.graph.constant({ type: "float32", dims: [], data: Float32Array.of(0) });
  return ops.Concat([ops.Expand(zero, z.dims), z], 1);
}

/** Returns the outputs in the order they were chosen in. */
function ordered(model: Graph, chosen: readonly string[]): Graph {
  const names = [...model.outputs.keys()];
  const wanted = chosen.map((name) => (names.includes(name) ? name : `${name}/logits`));
  if (wanted.join() === names.join()) return model;
  let first = true;
  return rewrite(model, {
    output: (_, __, target) => {
      if (!first) return [];
      first = false;
      return wanted.map((name) => [name, target.value(name)!] as const);
    },
  });
}
