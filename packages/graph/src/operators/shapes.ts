import { UnsupportedOpError } from "../errors.js";
import { type NodeSpec, opKey } from "../ir.js";
import { blockedShapes } from "./blocked.js";
import { compositeShapes } from "./composite.js";
import { convolutionShapes } from "./convolution.js";
import { elementwiseShapes } from "./elementwise.js";
import { indexingShapes } from "./indexing.js";
import { matmulShapes } from "./matmul.js";
import { movementShapes } from "./movement.js";
import { normalizationShapes } from "./normalization.js";
import { poolingShapes } from "./pooling.js";
import { reductionShapes } from "./reduction.js";
import { resizeShapes } from "./resize.js";
import type { ShapeRule, ValueInfo } from "./spec.js";

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

/** Types and dims of every output; throws when the inputs do not fit or the operator is unknown. */
export function inferShapes(spec: NodeSpec): readonly ValueInfo[] {
  const key = opKey(spec);
  const rule = Object.hasOwn(shapeRules, key) ? shapeRules[key] : undefined;
  if (rule === undefined) throw new UnsupportedOpError([key], `${spec.name}: unsupported operator`);
  return rule(spec);
}
