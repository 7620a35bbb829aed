import type { DataType, Device, Labels, Region, Tensor } from "@pixelcal/core";
import {
  checkOptions,
  InvalidArgumentError,
  invalidArgument,
  narrowLabels,
  optionNames,
} from "@pixelcal/core";
import type { Value } from "@pixelcal/graph";
import type { LossState } from "./loss-state.js";
import { Prediction } from "./prediction.js";

/**
 * The type and shape of a target: `labels` is [N, ...spatial], `classes` is [N, C, ...spatial], C that of the
 * logits or `channels`. `state` is no target but an array of the loss's `state`, whose `dims` follow from the
 * number of classes.
 */
export type TargetSpec =
  | { readonly type: DataType; readonly layout: "labels" }
  | { readonly type: DataType; readonly layout: "classes"; readonly channels?: number }
  | {
      readonly type: "float32";
      readonly layout: "state";
      readonly dims: (classes: number) => readonly number[];
    };

export type TargetSpecs = Readonly<Record<string, TargetSpec>>;

/** The numbers that a label map may hold: the classes 0 to `classes` - 1, and `ignore`. */
export interface LabelRange {
  readonly classes: number;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
}

/** The inputs of targets beside the labels. */
export interface TargetContext {
  readonly classes: number;
  /** Physical size of a pixel per spatial axis; default ones. */
  readonly spacing?: readonly number[];
  /** The image [N, channels, ...spatial]; only its first channel guides a kernel. */
  readonly image?: Tensor<"float32">;
  readonly device?: Device;
  /**
   * Numbers that the labels are known to hold, as a loader's are. int32 labels in a range that the loss takes
   * are used as they are, without another check.
   */
  readonly labelRange?: LabelRange;
}

const contextNames = optionNames<TargetContext>({
  classes: true,
  spacing: true,
  image: true,
  device: true,
  labelRange: true,
});

/** The scalars of a graph: the loss and its unweighted terms by name. */
export interface BuiltLoss {
  readonly loss: Value;
  readonly terms: Readonly<Record<string, Value>>;
}

/**
 * A loss in two parts: targets from labels alone, ahead of the step; the scalar from
 * logits and targets, in the graph.
 */
export interface Loss<S extends TargetSpecs = TargetSpecs> {
  readonly name: string;
  readonly preset: string;
  /** Whether `targets` needs `context.image`. */
  readonly needsImage: boolean;
  /** The label of pixels that count nowhere; absent if every pixel counts. */
  readonly ignore?: number;
  readonly targetSpecs: S;
  /** The regions of the logits, if those are of sigmoid heads instead of classes that exclude each other. */
  readonly regions?: readonly Region[];
  /** The numbers that follow the validation split, if the loss has such; they go into the graph by name. */
  readonly state?: LossState;
  /**
   * Computes the targets but for the state's arrays. They depend on the labels [N, ...spatial] (and for some
   * kernels the image) only: they can be kept from step to step, and flipped and rotated with the labels. The
   * exception are signed distances of an absent class under "reference".
   */
  targets(labels: Labels, context: TargetContext): Promise<{ [K in keyof S]: Tensor }>;
  /** Builds the loss of logits [N, C, ...spatial] and its unweighted terms, all scalars (dims []). */
  build(logits: Value, targets: { [K in keyof S]: Value }): BuiltLoss;
}

/** Labels as the graph takes them; a target of every loss. */
export const labelsSpec: { readonly labels: TargetSpec } = { labels: { type: "int32", layout: "labels" } };
/** A soft label per class. */
export const softLabelsSpec: { readonly softLabels: TargetSpec } = {
  softLabels: { type: "float32", layout: "classes" },
};

/** The part of a loss that distinguishes it from others; the checks of arguments are the same for all. */
export interface Definition<S extends TargetSpecs> {
  readonly name: string;
  readonly preset: string;
  readonly needsImage?: boolean;
  /** Label of pixels that count nowhere. */
  readonly ignore?: number;
  /** The owner of the arrays among `specs` whose layout is "state". */
  readonly state?: LossState;
  /** The targets besides the labels. */
  readonly specs: S;
  /** Computes the targets of `specs` from checked labels. */
  readonly targets?: (
    labels: Tensor<"int32">,
    context: TargetContext,
  ) => Promise<{ [K in keyof S]?: Tensor }>;
  readonly terms: (prediction: Prediction, targets: { [K in keyof S]: Value }) => BuiltLoss;
}

export function defineLoss<S extends TargetSpecs>(definition: Definition<S>): Loss<S & typeof labelsSpec> {
  const { name, preset, ignore, state, needsImage = false } = definition;
  const targetSpecs = { ...labelsSpec, ...definition.specs };
  return {
    name,
    preset,
    needsImage,
    ...(ignore !== undefined && { ignore }),
    ...(state !== undefined && { state }),
    targetSpecs,
    async targets(labels, context) {
      checkContext(labels, context, needsImage);
      const checked = await labelsTarget(labels, context, ignore);
      const computed = await definition.targets?.(checked, context);
      return { labels: checked, ...computed } as { [K in keyof typeof targetSpecs]: Tensor };
    },
    build(logits, targets) {
      checkLogits(logits);
      checkTargets(logits, targetSpecs, targets);
      const build = () => definition.terms(new Prediction(logits, targets.labels, ignore), targets);
      return logits.graph.scope(name, build);
    },
  };
}

/** Returns the dims of a target for logits [N, C, ...spatial]. */
export function targetDims(spec: TargetSpec, logits: readonly number[]): readonly number[] {
  if (spec.layout === "state") return spec.dims(logits[1]!);
  if (spec.layout === "labels") return logits.filter((_, axis) => axis !== 1);
  return spec.channels === undefined ? logits : logits.with(1, spec.channels);
}

function checkLogits({ dims, type }: Value): void {
  if (type !== "float32") throw invalidArgument("logits", "type float32", type);
  if (dims.length < 3 || dims.length > 5) {
    throw invalidArgument("logits", "rank 3 to 5 ([N, C, ...spatial])", `rank ${dims.length}`);
  }
  checkClasses("logits", dims[1]!);
}

function checkTargets(logits: Value, specs: TargetSpecs, targets: Readonly<Record<string, Value>>): void {
  for (const [name, spec] of Object.entries(specs)) {
    const target = targets[name];
    const dims = targetDims(spec, logits.dims);
    const expected = `${spec.type} [${dims.join(", ")}]`;
    if (target === undefined)
      throw new InvalidArgumentError(`targets.${name}`, `targets.${name}: missing; expected ${expected}`);
    const got = `${target.type} [${target.dims.join(", ")}]`;
    if (got !== expected) throw invalidArgument(`targets.${name}`, expected, got);
  }
}

function checkContext(labels: Labels, context: TargetContext, needsImage: boolean): void {
  checkOptions("context", context, contextNames);
  const { classes, image } = context;
  checkClasses("classes", classes);
  if (!needsImage) return;
  if (image === undefined) throw new InvalidArgumentError("image", "image: required by this loss's kernel");
  const expected = `float32 [${labels.dims[0]}, channels, ${labels.dims.slice(1).join(", ")}]`;
  const fits =
    image.type === "float32" &&
    image.dims.length === labels.dims.length + 1 &&
    image.dims.every((size, axis) => axis === 1 || size === labels.dims[axis === 0 ? 0 : axis - 1]);
  if (!fits) throw invalidArgument("image", expected, `${image.type} [${image.dims.join(", ")}]`);
}

function checkClasses(argument: string, classes: number): void {
  if (!Number.isInteger(classes) || classes < 2)
    throw invalidArgument(argument, "at least 2 classes", classes);
}

/** Returns labels as int32, int32 ones without a copy; throws unless each is a class or `ignore`. */
export async function labelsTarget(
  labels: Labels,
  { classes, labelRange }: TargetContext,
  ignore: number | undefined,
): Promise<Tensor<"int32">> {
  const { type, dims } = labels;
  if (!["uint8", "int32", "int64"].includes(type)) {
    throw invalidArgument("labels", "type uint8, int32 or int64", type);
  }
  if (dims.length < 2 || dims.length > 4)
    throw invalidArgument("labels", "rank 2 to 4 ([N, ...spatial])", dims.length);
  if (labels.type === "int32" && labelRange !== undefined && within(labelRange, { classes, ignore }))
    return labels;
  const { labels: narrow, stray } = await narrowLabels(labels, { classes, ignore });
  if (stray !== undefined) {
    const or = ignore === undefined ? "" : ` or ${ignore} to ignore`;
    const got = `${stray.label} at pixel ${stray.pixel} (${stray.count} such pixels)`;
    throw new InvalidArgumentError("labels", `labels: expected classes 0 to ${classes - 1}${or}, got ${got}`);
  }
  if (labels.type === "int32") return labels;
  const { data } = narrow;
  // int64 is left only where the label to ignore is no byte.
  const wide = data instanceof BigInt64Array ? Int32Array.from(data, Number) : new Int32Array(data);
  return { type: "int32", dims, data: wide };
}

/** Tells whether every number of `inner` is one of `outer`. */
const within = (inner: LabelRange, outer: LabelRange): boolean =>
  inner.classes <= outer.classes && (inner.ignore === undefined || inner.ignore === outer.ignore);
