import { GraphError, UnsupportedOpError } from "../errors.js";
import { type NodeSpec, opKey } from "../ir.js";
import { checkAttributes } from "./attribute-kinds.js";
import { blockedShapes } from "./blocked.js";
import { composite, compositeShapes } from "./composite.js";
import { convolutionShapes } from "./convolution.js";
import { elementwiseShapes } from "./elementwise.js";
import { indexingShapes } from "./indexing.js";
import { matmulShapes } from "./matmul.js";
import { movementShapes } from "./movement.js";
import { normalizationShapes } from "./normalization.js";
import { poolingShapes } from "./pooling.js";
import { reductionShapes } from "./reduction.js";
import { resizeShapes } from "./resize.js";
import { slicingShapes } from "./slicing.js";
import type { ShapeRule, ValueInfo } from "./spec.js";

/** Operators that can be put in a graph, by key: "Conv", "pixelcal.MaxPoolGradient". */
export const shapeRules: Readonly<Record<string, ShapeRule>> = {
  ...elementwiseShapes,
  ...reductionShapes,
  ...movementShapes,
  ...slicingShapes,
  ...indexingShapes,
  ...matmulShapes,
  ...convolutionShapes,
  ...poolingShapes,
  ...normalizationShapes,
  ...resizeShapes,
  ...compositeShapes,
  ...blockedShapes,
};

/**
 * Returns the types and dims of every output; throws when the inputs do not fit or the operator is unknown.
 */
export function inferShapes(spec: NodeSpec): readonly ValueInfo[] {
  const key = opKey(spec);
  const rule = Object.hasOwn(shapeRules, key) ? shapeRules[key] : undefined;
  if (rule === undefined) throw new UnsupportedOpError([key], `${spec.name}: unsupported operator`);
  try {
    if (spec.domain !== composite) checkAttributes(spec.name, spec.opType, spec.attributes);
    return rule(spec);
  } catch (error) {
    throw atNode(spec, error);
  }
}

/** Returns the error of a shape rule with its operator; any other error is the node's fault too. */
function atNode({ name, opType }: NodeSpec, error: unknown): unknown {
  if (error instanceof UnsupportedOpError) return error;
  if (!(error instanceof GraphError)) {
    const what = error instanceof Error ? error.message : String(error);
    return new GraphError(name, `${opType} cannot be laid out: ${what}`);
  }
  const { where, message } = error;
  const own = where === name || where.startsWith(`${name}.`);
  if (!own || message.includes(opType, where.length)) return error;
  return new GraphError(where, `${message.slice(where.length + 2)} (${opType})`);
}
