import type { Node } from "../ir.js";
import { convTransposeWindows, convWindows, groupOf } from "../operators/convolution.js";
import { sizeOf } from "../operators/spec.js";
import { eachRow } from "../operators/window-rows.js";
import type { Windows } from "../operators/windows.js";
import type { Kernel, NumericArray } from "./array.js";

/** A convolution y = w * x whose x, y or w is to be computed from the other two. */
export interface Convolution {
  readonly windows: Windows;
  readonly batch: number;
  readonly group: number;
  /** Channels of x and y. */
  readonly channels: readonly [number, number];
}

type VisitTap = (w: number, x: number, y: number, count: number, stride: number) => void;

/** Visits every weight with the rows of x and y it connects, as indices into the whole arrays. */
function eachTap({ windows, batch, group, channels: [ins, outs] }: Convolution, visit: VisitTap): void {
  const [xSize, ySize, taps] = [sizeOf(windows.input), sizeOf(windows.output), sizeOf(windows.kernel)];
  const [inPerGroup, outPerGroup] = [ins / group, outs / group];
  const stride = windows.strides.at(-1)!;
  for (let n = 0; n < batch; n++) {
    for (let out = 0; out < outs; out++) {
      const firstIn = Math.floor(out / outPerGroup) * inPerGroup;
      for (let i = 0; i < inPerGroup; i++) {
        const x = (n * ins + firstIn + i) * xSize;
        const y = (n * outs + out) * ySize;
        const w = (out * inPerGroup + i) * taps;
        eachRow(windows, (tap, from, to, length) => visit(w + tap, x + from, y + to, length, stride));
      }
    }
  }
}

/** Computes y from x and w. */
function convolve(c: Convolution, x: Float64Array, w: Float64Array): Float64Array {
  const y = new Float64Array(c.batch * c.channels[1] * sizeOf(c.windows.output));
  eachTap(c, (tap, from, to, length, stride) => {
    for (let k = 0; k < length; k++) y[to + k]! += w[tap]! * x[from + k * stride]!;
  });
  return y;
}

/** Computes the gradient of x from that of y, as a transposed convolution does. */
export function inputGradient(c: Convolution, dy: Float64Array, w: Float64Array): Float64Array {
  const dx = new Float64Array(c.batch * c.channels[0] * sizeOf(c.windows.input));
  eachTap(c, (tap, from, to, length, stride) => {
    for (let k = 0; k < length; k++) dx[from + k * stride]! += w[tap]! * dy[to + k]!;
  });
  return dx;
}

/** Computes the gradient of w from x and the gradient of y. */
export function weightGradient(c: Convolution, x: Float64Array, dy: Float64Array): Float64Array {
  const dw = new Float64Array(((c.channels[0] * c.channels[1]) / c.group) * sizeOf(c.windows.kernel));
  eachTap(c, (tap, from, to, length, stride) => {
    for (let k = 0; k < length; k++) dw[tap]! += x[from + k * stride]! * dy[to + k]!;
  });
  return dw;
}

function addBias(y: Float64Array, bias: NumericArray | undefined, dims: readonly number[]): Float64Array {
  if (bias === undefined) return y;
  const inner = sizeOf(dims.slice(2));
  return y.map((value, at) => value + bias.data[Math.floor(at / inner) % dims[1]!]!);
}

const describe = (node: Node, windows: Windows, channels: readonly [number, number]): Convolution => ({
  windows,
  batch: node.outputs[0]!.dims[0]!,
  group: groupOf(node),
  channels,
});

export const convolutionKernels: Readonly<Record<string, Kernel>> = {
  Conv: (inputs, node) => {
    const [x, w, bias] = inputs as [NumericArray, NumericArray, NumericArray?];
    const { dims } = node.outputs[0]!;
    const c = describe(node, convWindows(node), [x.dims[1]!, dims[1]!]);
    return [addBias(convolve(c, x.data, w.data), bias, dims)];
  },
  ConvTranspose: (inputs, node) => {
    const [x, w, bias] = inputs as [NumericArray, NumericArray, NumericArray?];
    const { dims } = node.outputs[0]!;
    const c = describe(node, convTransposeWindows(node), [dims[1]!, x.dims[1]!]);
    return [addBias(inputGradient(c, x.data, w.data), bias, dims)];
  },
};
