import { numberOf } from "./attributes.js";
import { isFloat, toNumbers } from "./data-types.js";
import { ruleOf } from "./gradients/gradients.js";
import { noGradient } from "./gradients/rule.js";
import { type Graph, type Node, opKey, type Value } from "./ir.js";
import { weightInputs } from "./operators/weight-inputs.js";
import { liveNodes } from "./rewrite.js";

/**
 * Names of a model's arrays by role: `parameters` are trained, `buffers` (running statistics) only carried.
 */
export interface WeightRoles {
  readonly parameters: readonly string[];
  readonly buffers: readonly string[];
}

/** Float inputs that configure an operator and hold no data. */
const settings: Readonly<Record<string, readonly number[]>> = {
  Resize: [1, 2],
  Clip: [1, 2],
  Pad: [2],
  BatchNormalization: [3, 4],
  "pixelcal.StopGradient": [0],
};

const statistics = [3, 4];

/**
 * Sorts a model's initializers, in the order in which nodes use them. What is trained is every float32 array
 * of rank 1 or more from which a gradient reaches an output, but for the statistics of batch norms and what
 * only looks like a weight: masks of attention, which are compared with numbers or have their values, fixed
 * encodings, the ones and zeros of a norm that has no weights.
 */
export function weightRoles(graph: Graph): WeightRoles {
  const nodes = liveNodes(graph);
  const dependent = dependingOnInputs(graph, nodes);
  const masks = new Set(nodes.flatMap((node) => (node.opType === "Equal" ? node.inputs : [])));
  const isMask = (value: Value): boolean => masks.has(value) && !dependent.has(value);
  const wanted = reachingOutputs(graph, nodes, isMask);
  const parameters = new Set<string>();
  const buffers = new Set<string>();
  for (const node of nodes) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    for (const [index, input] of node.inputs.entries()) {
      const array = input && graph.initializers.get(input.name);
      if (array?.type !== "float32" || array.dims.length === 0) continue;
      if (isMask(input!)) continue;
      const name = input!.name;
      if (opKey(node) === "BatchNormalization" && statistics.includes(index)) {
        if (dependent.has(node.inputs[0]!)) buffers.add(name);
      } else if (
        isComputedWith(node, index) &&
        !isFixed(name, array.data as Float32Array, node, index, dependent)
      )
        parameters.add(name);
    }
  }
  // An array that is both is a merged one that only happens to be equal: it is trained.
  return { parameters: [...parameters], buffers: [...buffers].filter((name) => !parameters.has(name)) };
}

const isComputedWith = (node: Node, index: number): boolean => !(settings[opKey(node)] ?? []).includes(index);

/** Returns the values from which a gradient reaches an output other than through a mask. */
function reachingOutputs(
  graph: Graph,
  nodes: readonly Node[],
  isMask: (value: Value) => boolean,
): ReadonlySet<Value> {
  const wanted = new Set<Value>(graph.outputs.values());
  for (const node of nodes.toReversed()) {
    if (ruleOf(node) === noGradient || !node.outputs.some((output) => wanted.has(output))) continue;
    for (const [index, input] of node.inputs.entries()) {
      if (input === undefined || !isFloat(input.type) || isMask(input)) continue;
      if (isComputedWith(node, index)) wanted.add(input);
    }
  }
  return wanted;
}

/** Returns the values that depend on the inputs' elements. */
function dependingOnInputs(graph: Graph, nodes: readonly Node[]): ReadonlySet<Value> {
  const found = new Set<Value>(graph.inputs);
  for (const { inputs, outputs } of nodes) {
    if (inputs.some((input) => input !== undefined && found.has(input)))
      for (const output of outputs) found.add(output);
  }
  return found;
}

const fixedNames =
  /(^|[./])(attn_mask|\w*_mask|mask|relative_coords_table|positional_encoding_gaussian_matrix|inv_freq|bases|(pixel|image)_(mean|std)|Constant(_\d+)?_output_0)$/;
/** Names that PyTorch's and TensorFlow's exporters give to unnamed arrays. */
const unnamed = /^(val_\d+|_val_\d+|onnx::\w+|\/.*|\d+|const_\w*__\d+)$/;

const norms: ReadonlySet<string> = new Set(["InstanceNormalization", "LayerNormalization"]);

function isFixed(
  name: string,
  values: Float32Array,
  node: Node,
  index: number,
  dependent: ReadonlySet<Value>,
): boolean {
  if (fixedNames.test(name)) return true;
  const made = unnamed.test(name);
  // A number in a formula; but layers of one channel have weights of one element, without a
  // name once norms are folded in.
  if (values.length === 1 && made && !weightInputs(node.opType).includes(index)) return true;
  // Zero where attention may look, far below where not.
  const low = values.find((value) => value !== 0) ?? 0;
  if (low <= -10 && values.every((value) => value === 0 || value === low)) return true;
  if (values.some((value) => !Number.isFinite(value))) return true;
  const unit = (values[0] === 0 || values[0] === 1) && values.every((value) => value === values[0]);
  if (!unit) return false;
  // ONNX has no norms without weights.
  if (made && norms.has(node.opType)) return true;
  if (node.opType === "InstanceNormalization") return isUnitNorm(node);
  // A weight that is standardised by a batch norm, of which only the result counts.
  return (
    opKey(node) === "BatchNormalization" &&
    numberOf(node, "training_mode", 0) !== 0 &&
    !dependent.has(node.inputs[0]!)
  );
}

/**
 * Whether a node is the instance norm inside a group norm: of reshaped channels, by constant ones and zeros.
 */
function isUnitNorm({ inputs: [x, scale, bias] }: Node): boolean {
  const filled = (value: Value | undefined, with_: number): boolean => {
    const tensor = value?.graph.tensor(value);
    return tensor !== undefined && toNumbers(tensor).every((each) => each === with_);
  };
  return x?.node?.opType === "Reshape" && filled(scale, 1) && filled(bias, 0);
}
