import { UnsupportedOpError } from "./errors.js";
import type { NodeSpec } from "./graph.js";
import { blockedShapes } from "./shapes/blocked.js";
import { compositeShapes } from "./shapes/composite.js";
import { convolutionShapes } from "./shapes/convolution.js";
import { elementwiseShapes } from "./shapes/elementwise.js";
import { indexingShapes } from "./shapes/indexing.js";
import { matmulShapes } from "./shapes/matmul.js";
import { movementShapes } from "./shapes/movement.js";
import { normalizationShapes } from "./shapes/normalization.js";
import { poolingShapes } from "./shapes/pooling.js";
import { reductionShapes } from "./shapes/reduction.js";
import { resizeShapes } from "./shapes/resize.js";
import type { ShapeRule, ValueInfo } from "./shapes/spec.js";

/** Operators that can be put in a graph, by key: "Conv", "pixelcal.MaxPoolGradient". */
export const shapeRules: Readonly<Record<string, ShapeRule>> = {
  ...elementwiseShapes,
  ...reductionShapes,
  ...movementShapes,
  ...indexingShapes,
  ...matmulShapes,
  ...convolutionShapes,
  ...poolingShapes,
  ...normalizationShapes,
  ...resizeShapes,
  ...compositeShapes,
  ...blockedShapes,
};

/** How the tables of shapes, rules and the interpreter name an operator. */
export function opKey(node: { readonly opType: string; readonly domain: string }): string {
  return node.domain === "" ? node.opType : `${node.domain}.${node.opType}`;
}

/** Types and dims of every output; throws when the inputs do not fit or the operator is unknown. */
export function inferShapes(spec: NodeSpec): readonly ValueInfo[] {
  const key = opKey(spec);
  const rule = Object.hasOwn(shapeRules, key) ? shapeRules[key] : undefined;
  if (rule === undefined) throw new UnsupportedOpError([key], `${spec.name}: unsupported operator`);
  return rule(spec);
}
