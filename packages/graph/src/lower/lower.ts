import { UnsupportedOpError } from "../errors.js";
import { type Graph, type Node, opKey, type Value } from "../ir.js";
import { composite } from "../operators/composite.js";
import { type Rewriting, rewrite } from "../rewrite.js";
import { trainingForm } from "../training-form.js";
import { blockedLowerings } from "./blocked.js";
import { layoutLowerings } from "./blocked-layout.js";
import { convolutionLowerings } from "./convolution.js";
import { elementwiseLowerings } from "./elementwise.js";
import { fold } from "./fold.js";
import { indexingLowerings } from "./indexing.js";
import type { Lowering, LoweringDevice } from "./lowering.js";
import { movementLowerings } from "./movement.js";
import { normalizationLowerings } from "./normalization.js";
import { poolingLowerings } from "./pooling.js";
import { reductionLowerings } from "./reduction.js";
import { resizeLowerings } from "./resize.js";
import { share } from "./share.js";
import { slicingLowerings } from "./slicing.js";
import { weightGradientLowerings } from "./weight-gradient.js";

export interface LowerOptions {
  /** Applies `trainingForm` first. A graph with gradients needs it applied before they are taken. */
  readonly training?: boolean;
  /**
   * The provider whose fastest forms to choose. "any", the default, is for all of them: the other choices may
   * use operators that some other provider lacks.
   */
  readonly device?: LoweringDevice;
  /**
   * The number of channels that onnxruntime's CPU provider keeps together on this processor. Planes and
   * volumes are laid out in such blocks, with operators that only this provider runs. If it is absent or 1,
   * all operators are standard ones.
   */
  readonly block?: number;
}

const lowerings: Readonly<Record<string, Lowering>> = {
  ...elementwiseLowerings,
  ...reductionLowerings,
  ...movementLowerings,
  ...slicingLowerings,
  ...indexingLowerings,
  ...convolutionLowerings,
  ...weightGradientLowerings,
  ...poolingLowerings,
  ...normalizationLowerings,
  ...resizeLowerings,
};

/** The operators a lowering emits are lowered in turn; no graph needs more rounds than this. */
const mostRounds = 12;

/**
 * Returns a copy in standard operators (domain ai.onnx) that the providers run, every composite written out
 * in the form that suits its shape. Constant expressions are folded, equal nodes shared, dead ones dropped;
 * inputs, initializers and outputs keep their names.
 */
export function lower(
  source: Graph,
  { training = false, device = "any", block = 1 }: LowerOptions = {},
): Graph {
  // Sharing first: two gradients that ask for the same composite then have it written out once.
  let graph = share(training ? trainingForm(source) : source);
  // Gradients of weights come when all else is lowered: only then is it known which values are in blocks.
  let late = block === 1;
  for (let round = 0; round < mostRounds; round++) {
    const { changed, rewriting } = lowerOnce(device, block, late);
    graph = rewrite(graph, rewriting);
    if (changed()) continue;
    if (late) break;
    late = true;
  }
  if (block > 1) graph = rewrite(share(graph), { node: (node, [x]) => laidOut(node, x, block) });
  graph = share(fold(graph));
  const left = graph.nodes.filter((node) => node.domain === composite).map(opKey);
  if (left.length > 0) throw new UnsupportedOpError(left, `${graph.name}: no lowering for`);
  return graph;
}

/** Writes a change of layout in the operators that make it; undefined for every other node. */
function laidOut(node: Node, x: Value | undefined, block: number): readonly Value[] | undefined {
  const key = opKey(node);
  return Object.hasOwn(layoutLowerings, key)
    ? [layoutLowerings[key]!(x!, block, node.outputs[0]!.dims)]
    : undefined;
}

function lowerOnce(
  device: LoweringDevice,
  block: number,
  late: boolean,
): { changed: () => boolean; rewriting: Rewriting } {
  let changed = false;
  const node = (source: Node, inputs: Parameters<NonNullable<Rewriting["node"]>>[1]) => {
    const key = opKey(source);
    if (!late && Object.hasOwn(weightGradientLowerings, key)) return undefined;
    const inBlocks = block > 1 && Object.hasOwn(blockedLowerings, key) ? blockedLowerings[key] : undefined;
    const lowering = Object.hasOwn(lowerings, key) ? lowerings[key] : undefined;
    const given = inputs as readonly Value[];
    const values = inBlocks?.(source, given, block) ?? lowering?.(source, given, device);
    // An output that is also another value has an Identity again after every rewriting.
    if (values !== undefined && source.opType !== "Identity") changed = true;
    return values;
  };
  return { changed: () => changed, rewriting: { node } };
}
