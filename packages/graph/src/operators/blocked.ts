import { numberOf } from "../attributes.js";
import { composite } from "./composite.js";
import { convolutionShapes } from "./convolution.js";
import { poolingShapes } from "./pooling.js";
import { required, type ShapeRule } from "./spec.js";

/** onnxruntime's operators on channels in blocks, which its CPU provider has on some processors. */
export const blockedDomain = "com.microsoft.nchwc";

const same: ShapeRule = (spec) => {
  const { type, dims } = required(spec, 0);
  return [{ type, dims }];
};

/** Dims as onnxruntime counts them, and the two composites that change the layout of a graph's own values. */
export const blockedShapes: Readonly<Record<string, ShapeRule>> = {
  [`${blockedDomain}.Conv`]: convolutionShapes.Conv!,
  [`${blockedDomain}.MaxPool`]: poolingShapes.MaxPool!,
  [`${blockedDomain}.GlobalAveragePool`]: poolingShapes.GlobalAveragePool!,
  [`${blockedDomain}.ReorderInput`]: same,
  [`${blockedDomain}.ReorderOutput`]: same,
  // [N, C, H, W] -> [N, C / block, H, W, block]
  [`${composite}.Block`]: (spec) => {
    const x = required(spec, 0);
    const [n, c, ...size] = x.dims as [number, number, ...number[]];
    const block = numberOf(spec, "block");
    return [{ type: x.type, dims: [n, c / block, ...size, block] }];
  },
  [`${composite}.Unblock`]: (spec) => {
    const { type, dims } = required(spec, 0);
    const [n, c, height, width, block] = dims as [number, number, number, number, number];
    return [{ type, dims: [n, c * block, height, width] }];
  },
};
