import {
  checkOptions,
  elementCount,
  InvalidArgumentError,
  ignoredInRegion,
  invalidArgument,
  optionNames,
  type Region,
  regionMasks,
  type Tensor,
  tensor,
} from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { type Loss, labelsTarget, type TargetContext, type TargetSpec } from "./loss.js";
import type { LossState } from "./loss-state.js";
import { weighted } from "./weighted.js";

export interface OneVsRestOptions {
  /** The regions of the network's heads, in their order; they may overlap. */
  readonly regions: readonly Region[];
  /** The number of labels that a label map may hold, background included. */
  readonly classes: number;
  /** The label of pixels that count nowhere. */
  readonly ignore?: number;
}

const names = optionNames<OneVsRestOptions>({ regions: true, classes: true, ignore: true });

/**
 * Returns the mean over regions of a loss of two classes, each region against the rest. Logits [N, regions,
 * ...spatial] are those of sigmoid heads: a head's logit z is the pair [0, z], whose softmax is z's sigmoid.
 * The terms are those of each region under its name. `create` makes the loss of one region; with `ignore` it
 * must ignore `ignoredInRegion`, the label of ignored pixels in a region's mask.
 */
export function oneVsRest(create: () => Loss, options: OneVsRestOptions): Loss {
  checkOptions("options", options, names);
  const { regions } = options;
  checkRegions(options);
  const heads = regions.map((_, head) => ({
    weight: 1 / regions.length,
    loss: lossOfHead(create(), head, options),
  }));
  return { ...weighted(heads), name: "oneVsRest", regions };
}

function checkRegions({ regions, classes }: OneVsRestOptions): void {
  if (!Array.isArray(regions) || regions.length < 1)
    throw invalidArgument("regions", "at least 1 region", regions);
  const known = new Set<string>();
  for (const { name, labels } of regions as readonly Region[]) {
    if (known.has(name)) throw new InvalidArgumentError("regions", `regions: ${name} is given twice`);
    known.add(name);
    const strange = labels.find((label) => !(Number.isInteger(label) && label >= 0 && label < classes));
    if (strange !== undefined)
      throw invalidArgument(`regions.${name}`, `labels from 0 to ${classes - 1}`, strange);
  }
}

/** Returns the loss of one region as one of the logits of all heads. */
function lossOfHead(loss: Loss, head: number, { regions, classes, ignore }: OneVsRestOptions): Loss {
  const region = regions[head]!;
  const inside = ignore === undefined ? undefined : ignoredInRegion;
  if (loss.ignore !== inside)
    throw new InvalidArgumentError(
      "create",
      `create: expected a loss that ignores ${inside ?? "no label"}, got one that ignores ${loss.ignore ?? "no label"}`,
    );
  return {
    name: region.name,
    preset: loss.preset,
    needsImage: loss.needsImage,
    ...(ignore !== undefined && { ignore }),
    targetSpecs: withMask(loss.targetSpecs, ofTwoClasses),
    ...(loss.state && { state: stateOfHead(loss.state, head) }),
    async targets(labels, context: TargetContext) {
      if (context.classes !== regions.length)
        throw invalidArgument("logits", `${regions.length} channels, one a region`, context.classes);
      const checked = await labelsTarget(labels, { ...context, classes }, ignore);
      const [mask] = await regionMasks(checked, [region], { ignore });
      const { labelRange: _, ...rest } = context;
      return withMask(await loss.targets(mask!, { ...rest, classes: 2 }));
    },
    build(logits, targets) {
      if (logits.dims[1] !== regions.length)
        throw invalidArgument("logits", `${regions.length} channels, one a region`, logits.dims[1]);
      const { mask, ...others } = targets as Record<string, Value>;
      return loss.build(pairOf(logits, head), { ...others, labels: mask! });
    },
  };
}

/** Names the labels of a region `mask`: those of other regions differ. */
function withMask<T, U = T>(
  { labels, ...others }: Readonly<Record<string, T>>,
  map: (value: T) => U = (value) => value as unknown as U,
): Record<string, U> {
  const all = Object.entries({ ...others, mask: labels! });
  return Object.fromEntries(all.map(([name, value]) => [name, map(value)]));
}

function ofTwoClasses(spec: TargetSpec): TargetSpec {
  if (spec.layout === "state") return { ...spec, dims: () => spec.dims(2) };
  return spec.layout === "classes" ? { ...spec, channels: 2 } : spec;
}

/** Returns the logits [N, 2, ...spatial] of outside and inside a region. */
function pairOf(logits: Value, head: number): Value {
  const own = ops.Slice(logits, [head], [head + 1], [1]);
  const zero = logits.graph.constant(tensor("float32", Float32Array.of(0), []));
  return ops.Concat([ops.Expand(zero, own.dims), own], 1);
}

const stateOfHead = (state: LossState, head: number): LossState => ({
  ...state,
  arrays: () => state.arrays(2),
  observe(logits, { mask, ...others }) {
    return state.observe(headPair(logits, head), { ...others, ...(mask && { labels: mask }) });
  },
});

/** Returns logits [N, 2, ...spatial], 0 and the head's, of logits [N, heads, ...spatial]. */
export function headPair({ dims, data }: Tensor<"float32">, head: number): Tensor<"float32"> {
  const [count = 0, heads = 0, ...spatial] = dims;
  const pixels = elementCount(spatial);
  const pair = new Float32Array(2 * count * pixels);
  for (let n = 0; n < count; n++) {
    const from = (n * heads + head) * pixels;
    pair.set(data.subarray(from, from + pixels), (2 * n + 1) * pixels);
  }
  return tensor("float32", pair, [count, 2, ...spatial]);
}
