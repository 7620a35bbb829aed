import { ops, type Value } from "@pixelcal/graph";

/** The half widths of a window per axis. */
type Reach = readonly number[];

const pool = (x: Value, reach: Reach): Value =>
  ops.MaxPool(x, {
    kernel_shape: reach.map((half) => 2 * half + 1),
    strides: reach.map(() => 1),
    pads: [...reach, ...reach],
  });

/**
 * Returns the depth [N, 1, ...spatial] of every pixel in labels of that shape: the number of the windows that
 * hold one label only. `windows` are their half widths per axis, each window within the next.
 *
 * A window holds two labels exactly where one of the smallest windows inside it does, those that reach one
 * pixel along each of its axes: so one dilation a window suffices.
 */
export function depthOf(labels: Value, windows: readonly Reach[]): Value {
  const mixed: Value[] = [];
  let axes = "";
  let edges = labels;
  let before: Reach = [];
  for (const reach of windows) {
    const smallest = reach.map((half) => Math.min(half, 1));
    if (smallest.join() !== axes) {
      axes = smallest.join();
      const difference = ops.Add(pool(labels, smallest), pool(ops.Neg(labels), smallest));
      edges = ops.Min(difference, 1);
      const rest = reach.map((half, axis) => half - smallest[axis]!);
      mixed.push(rest.some((half) => half > 0) ? pool(edges, rest) : edges);
    } else {
      const grown = reach.map((half, axis) => half - before[axis]!);
      const last = mixed.at(-1)!;
      mixed.push(grown.some((half) => half > 0) ? pool(last, grown) : last);
    }
    before = reach;
  }
  // One after the other: webgpu has no sum of several.
  const [first, ...others] = mixed;
  return others.reduce((depth, each) => ops.Sub(depth, each), ops.Sub(windows.length, first!));
}
