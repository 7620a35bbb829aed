import type { Value } from "../ir.js";
import { convInputGradient, convWeightGradient } from "../operators/composite.js";
import { convTransposeWindows, convWindows, groupOf } from "../operators/convolution.js";
import * as ops from "../operators/ops.js";
import { exceptChannels } from "../operators/per-channel.js";
import { windowAttributes } from "../operators/windows.js";
import type { GradientRule } from "./rule.js";

const biasGradient = (dy: Value): Value => ops.ReduceSum(dy, exceptChannels(dy), { keepdims: 0 });

export const convolutionRules: Readonly<Record<string, GradientRule>> = {
  Conv: ({ node, inputs: [x, w], dy }) => {
    const [windows, group] = [convWindows(node), groupOf(node)];
    return [
      () => convInputGradient(dy, w!, windows, group),
      () => convWeightGradient(x!, dy, windows, group),
      () => biasGradient(dy),
    ];
  },
  // A transposed convolution is the input gradient of a convolution, so its own
  // gradients are that convolution.
  ConvTranspose: ({ node, inputs: [x, w], dy }) => {
    const [windows, group] = [convTransposeWindows(node), groupOf(node)];
    return [
      () => ops.Conv(dy, w!, undefined, { ...windowAttributes(windows), group }),
      () => convWeightGradient(dy, x!, windows, group),
      () => biasGradient(dy),
    ];
  },
};
