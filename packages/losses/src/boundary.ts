import { borderLevels } from "@pixelcal/core";
import { ops } from "@pixelcal/graph";
import { withoutBackground } from "./dice.js";
import { defineLoss, type Loss, type TargetSpec } from "./loss.js";
import { boolean, checkOptions, ignore, type PresetSchemas } from "./options.js";

export interface BoundaryOptions {
  readonly preset?: "original";
  /** Whether class 0 takes part; default true. */
  readonly includeBackground?: boolean;
  /** Label of pixels that count nowhere and belong to no class. */
  readonly ignore?: number;
}

export const boundaryPresets: PresetSchemas = { original: { includeBackground: boolean, ignore } };

const specs: { readonly levels: TargetSpec } = { levels: { type: "float32", layout: "classes" } };

/**
 * Returns the boundary loss, mean_all p_c phi_c (Kervadec et al., MIDL 2019): phi_c is the distance to
 * class c outside of it and, inside, minus the distance to the other classes, moved by the smallest spacing
 * so that the innermost pixels of the border have 0. A class that a sample lacks or that fills it has no
 * border and phi 0; the authors' code has distances to nothing there. It can be below 0, and is added to
 * another loss by a `weighted` sum.
 *
 * It is linear in p: its minimiser is 0 or 1, the class whose expected phi is least.
 */
export function boundary(options: BoundaryOptions = {}): Loss {
  const preset = checkOptions("boundary", boundaryPresets, options);
  const { includeBackground = true, ignore } = options;
  return defineLoss({
    name: "boundary",
    preset,
    ignore,
    specs,
    async targets(labels, { classes, spacing, device }) {
      const distances = { classes, spacing, device, ignore, normalize: "none", absent: "far" } as const;
      return { levels: await borderLevels(labels, { ...distances, form: "border" }) };
    },
    terms(prediction, { levels }) {
      const { probs, classes } = prediction;
      const products = prediction.masked(ops.Mul(probs, levels));
      const kept = includeBackground ? products : withoutBackground(products);
      const entries = ops.Mul(prediction.count, includeBackground ? classes : classes - 1);
      const loss = ops.Div(prediction.sum(kept), entries);
      return { loss, terms: { boundary: loss } };
    },
  });
}
