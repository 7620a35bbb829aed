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
  [`${blockedDomain}.ReorderOutput`]: (spec) => {
    const { type, dims } = required(spec, 0);
    return [{ type, dims: dims.with(1, numberOf(spec, "channels")) }];
  },
  // [N, C, H, W] -> [N, C / block, H, W, block]; [N, C, D, H, W] -> [D * N, C / block, H, W, block]
  [`${composite}.Block`]: (spec) => {
    const x = required(spec, 0);
    const [n, c, ...size] = x.dims as [number, number, ...number[]];
    const slices = size.length === 3 ? size[0]! * n : n;
    const block = numberOf(spec, "block");
    return [{ type: x.type, dims: [slices, c / block, ...size.slice(-2), block] }];
  },
  // The first `channels`; slices of a volume of this `depth`, or planes if it is absent.
  [`${composite}.Unblock`]: (spec) => {
    const { type, dims } = required(spec, 0);
    const [slices, , height, width] = dims as [number, number, number, number, number];
    const [channels, depth] = [numberOf(spec, "channels"), numberOf(spec, "depth", 0)];
    const size = depth === 0 ? [slices, channels] : [slices / depth, channels, depth];
    return [{ type, dims: [...size, height, width] }];
  },
};
