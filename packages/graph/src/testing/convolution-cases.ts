import * as ops from "../operators/ops.js";
import type { OperatorCase } from "./case.js";

interface Combination {
  readonly rank: number;
  readonly kernel: number;
  readonly stride: number;
  readonly dilation: number;
  /** 1, 2, or as many as channels. */
  readonly group: number;
  readonly pads: "none" | "same" | "uneven";
  readonly bias: boolean;
}

const product = <T extends object>(lists: { readonly [K in keyof T]: readonly T[K][] }): T[] =>
  Object.entries(lists).reduce<T[]>(
    (all, [key, list]) =>
      all.flatMap((each) => (list as readonly unknown[]).map((value) => ({ ...each, [key]: value }))),
    [{} as T],
  );

/** Every combination for one and two axes; for three those of a small kernel. */
const combinations: readonly Combination[] = [
  ...product<Combination>({
    rank: [1, 2],
    kernel: [3],
    stride: [1, 2],
    dilation: [1, 2],
    group: [1, 2, 4],
    pads: ["none", "same", "uneven"],
    bias: [true],
  }),
  ...product<Combination>({
    rank: [1, 2],
    kernel: [1],
    stride: [1, 2],
    dilation: [1],
    group: [1, 2],
    pads: ["none"],
    bias: [true],
  }),
  ...product<Combination>({
    rank: [3],
    kernel: [2],
    stride: [1, 2],
    dilation: [1, 2],
    group: [1, 2, 4],
    pads: ["none", "uneven"],
    bias: [false],
  }),
  { rank: 2, kernel: 4, stride: 3, dilation: 1, group: 1, pads: "same", bias: false },
  { rank: 3, kernel: 3, stride: 1, dilation: 1, group: 1, pads: "same", bias: true },
  { rank: 2, kernel: 1, stride: 1, dilation: 1, group: 1, pads: "same", bias: true },
  { rank: 3, kernel: 1, stride: 1, dilation: 1, group: 1, pads: "none", bias: true },
];

const padding = { none: [0, 0], same: [1, 1], uneven: [0, 1] } as const;

function conv(c: Combination, swap: boolean): OperatorCase {
  const each = (value: number): number[] => Array<number>(c.rank).fill(value);
  // Fewer channels out than in makes another form of the weight gradient the cheaper one.
  const [ins, outs] = c.group === 1 ? (swap ? [3, 2] : [2, 3]) : [4, swap ? 8 : 4];
  const [before, after] = padding[c.pads];
  const spatial = c.rank === 3 ? [4, 3, 5] : [6, 7].slice(0, c.rank);
  const attributes = {
    strides: each(c.stride),
    dilations: each(c.dilation),
    pads: [...each(before), ...each(after)],
    group: c.group,
  };
  return {
    name: `Conv ${JSON.stringify(c)} ${ins}->${outs}`,
    inputs: {
      x: { dims: [2, ins, ...spatial] },
      w: { dims: [outs, ins / c.group, ...each(c.kernel)] },
      ...(c.bias ? { bias: { dims: [outs] } } : {}),
    },
    build: ({ x, w, bias }) => ops.Conv(x!, w!, bias, attributes),
  };
}

function convTranspose(c: Combination, extra: number): OperatorCase {
  const each = (value: number): number[] => Array<number>(c.rank).fill(value);
  const [ins, outs] = c.group === 1 ? [2, 3] : [4, 4];
  const [before, after] = padding[c.pads];
  const spatial = c.rank === 3 ? [2, 3, 3] : [5, 4].slice(0, c.rank);
  const attributes = {
    strides: each(c.stride),
    dilations: each(c.dilation),
    pads: [...each(before), ...each(after)],
    group: c.group,
    output_padding: each(extra),
  };
  return {
    name: `ConvTranspose ${JSON.stringify(c)} output_padding ${extra}`,
    inputs: {
      x: { dims: [2, ins, ...spatial] },
      w: { dims: [ins, outs / c.group, ...each(c.kernel)] },
      ...(c.bias ? { bias: { dims: [outs] } } : {}),
    },
    build: ({ x, w, bias }) => ops.ConvTranspose(x!, w!, bias, attributes),
  };
}

const automatic: readonly OperatorCase[] = (["SAME_UPPER", "SAME_LOWER", "VALID"] as const).flatMap(
  (auto_pad) =>
    [1, 2].flatMap((stride): OperatorCase[] => [
      {
        name: `Conv ${auto_pad} stride ${stride}`,
        inputs: { x: { dims: [1, 2, 6, 5] }, w: { dims: [2, 2, 3, 2] } },
        build: ({ x, w }) => ops.Conv(x!, w!, undefined, { auto_pad, strides: [stride, stride] }),
      },
      {
        name: `ConvTranspose ${auto_pad} stride ${stride}`,
        inputs: { x: { dims: [1, 2, 4, 3] }, w: { dims: [2, 2, 3, 2] } },
        build: ({ x, w }) => ops.ConvTranspose(x!, w!, undefined, { auto_pad, strides: [stride, stride] }),
      },
    ]),
);

export const convolutionCases: readonly OperatorCase[] = [
  ...combinations.flatMap((c) => (c.group === 1 ? [conv(c, false), conv(c, true)] : [conv(c, true)])),
  ...combinations.flatMap((c) =>
    // A one-pixel kernel with padding would leave nothing of the border to compute.
    c.kernel === 1 && c.pads !== "none"
      ? []
      : [0, c.stride - 1]
          .filter((extra, index) => index === 0 || extra > 0)
          .map((extra) => convTranspose(c, extra)),
  ),
  ...automatic,
  {
    name: "ConvTranspose output_shape",
    inputs: { x: { dims: [1, 2, 4, 3] }, w: { dims: [2, 2, 3, 3] } },
    build: ({ x, w }) => ops.ConvTranspose(x!, w!, undefined, { output_shape: [8, 5], strides: [2, 2] }),
  },
  {
    name: "ConvTranspose 3-D of depth 1",
    inputs: { x: { dims: [2, 2, 2, 3, 2] }, w: { dims: [2, 3, 1, 2, 2] }, bias: { dims: [3] } },
    build: ({ x, w, bias }) => ops.ConvTranspose(x!, w!, bias, { strides: [1, 2, 2] }),
  },
  {
    name: "ConvTranspose 3-D by 2",
    inputs: { x: { dims: [2, 2, 2, 3, 2] }, w: { dims: [2, 3, 2, 2, 2] }, bias: { dims: [3] } },
    build: ({ x, w, bias }) => ops.ConvTranspose(x!, w!, bias, { strides: [2, 2, 2] }),
  },
  {
    name: "Conv padded by more than its kernel reaches",
    inputs: { x: { dims: [1, 2, 4, 4] }, w: { dims: [2, 2, 2, 2] } },
    build: ({ x, w }) => ops.Conv(x!, w!, undefined, { pads: [2, 1, 2, 3] }),
  },
  {
    name: "Conv over thousands of pixels",
    inputs: { x: { dims: [1, 1, 5002], differentiable: false }, w: { dims: [1, 1, 3] } },
    build: ({ x, w }) => ops.Conv(x!, w!),
  },
  {
    name: "Conv with few pixels and many channels",
    inputs: { x: { dims: [2, 6, 3, 3] }, w: { dims: [6, 6, 3, 3] } },
    build: ({ x, w }) => ops.Conv(x!, w!, undefined, { pads: [1, 1, 1, 1] }),
  },
];
