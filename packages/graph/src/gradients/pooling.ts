import { numberOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import type { Value } from "../ir.js";
import { convInputGradient, maxPoolGradient } from "../operators/composite.js";
import * as ops from "../operators/ops.js";
import { poolWindows } from "../operators/pooling.js";
import { sizeOf } from "../operators/spec.js";
import { poolCounts } from "../operators/window-rows.js";
import { reach, tiles, type Windows } from "../operators/windows.js";
import { type Backward, type GradientRule, onlyFirst } from "./rule.js";

/** Returns dy divided by the number of elements each window averages. */
function shares({ node, dy }: Backward, windows: Windows): Value {
  const counts = poolCounts(windows, numberOf(node, "count_include_pad", 0) !== 0);
  if (counts.every((count) => count === counts[0])) return ops.Div(dy, counts[0]!);
  return ops.Div(dy, dy.graph.constant(fromNumbers(dy.type, counts, [1, 1, ...windows.output])));
}

/** Counts what the last windows reach beyond the padding (ceil_mode) as padding. */
const withOverhang = (windows: Windows): Windows => ({
  ...windows,
  after: reach(windows).map((span, axis) => {
    const last = (windows.output[axis]! - 1) * windows.strides[axis]! + span;
    return Math.max(windows.after[axis]!, last - windows.input[axis]! - windows.before[axis]!);
  }),
});

export const poolingRules: Readonly<Record<string, GradientRule>> = {
  MaxPool: (b) => [
    () => {
      onlyFirst(b);
      const ceil = numberOf(b.node, "ceil_mode", 0) !== 0;
      return maxPoolGradient(b.x, b.y, b.dy, poolWindows(b.node), ceil);
    },
  ],
  AveragePool: (b) => [
    () => {
      const windows = poolWindows(b.node);
      const share = shares(b, windows);
      if (tiles(windows)) {
        const scales = [1, 1, ...windows.kernel];
        return ops.Resize(share, {
          scales,
          coordinate_transformation_mode: "asymmetric",
          nearest_mode: "floor",
        });
      }
      const ones = fromNumbers(share.type, new Float64Array(sizeOf(windows.kernel)).fill(1), [
        1,
        1,
        ...windows.kernel,
      ]);
      const channels = ops.Reshape(share, [-1, 1, ...windows.output]);
      const sums = convInputGradient(channels, b.x.graph.constant(ones), withOverhang(windows), 1);
      return ops.Reshape(sums, b.x.dims);
    },
  ],
  MaxUnpool: ({ x, inputs: [, indices], dy }) => [
    () => {
      const flat = (value: Value): Value => ops.Reshape(value, [-1]);
      return ops.Reshape(ops.GatherElements(flat(dy), flat(indices!)), x.dims);
    },
  ],
  GlobalAveragePool: ({ x, dy }) => [() => ops.Div(dy, sizeOf(x.dims.slice(2)))],
  GlobalMaxPool: ({ x, y, dy }) => [
    () => {
      const input = x.dims.slice(2);
      const each = (value: number): number[] => input.map(() => value);
      const [none, one] = [each(0), each(1)];
      const windows = {
        input,
        kernel: input,
        strides: one,
        dilations: one,
        before: none,
        after: none,
        output: one,
      };
      return maxPoolGradient(x, y, dy, windows, false);
    },
  ],
};
