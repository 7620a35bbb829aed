import { numberOf, numbersOf, textOf } from "../attributes.js";
import { graphError } from "../errors.js";
import type { Described } from "../ir.js";

export type AutoPad = "NOTSET" | "VALID" | "SAME_UPPER" | "SAME_LOWER";

/** The way a kernel slides over the spatial axes, all padding explicit; one entry per spatial axis. */
export interface Windows {
  readonly input: readonly number[];
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  readonly before: readonly number[];
  readonly after: readonly number[];
  readonly output: readonly number[];
}

/** Returns the axes of a kernel with its gaps: dilation * (size - 1) + 1. */
export const reach = (windows: Pick<Windows, "kernel" | "dilations">): number[] =>
  windows.kernel.map((size, axis) => windows.dilations[axis]! * (size - 1) + 1);

/** Whether windows neither overlap nor leave anything out: every input belongs to exactly one. */
export const tiles = ({ input, kernel, strides, dilations, before, after, output }: Windows): boolean =>
  input.every(
    (size, axis) =>
      kernel[axis] === strides[axis] &&
      dilations[axis] === 1 &&
      before[axis] === 0 &&
      after[axis] === 0 &&
      size === output[axis]! * kernel[axis]!,
  );

/** Returns the windows of the last axes, without the first. */
export const withoutDepth = (windows: Windows): Windows => ({
  input: windows.input.slice(1),
  kernel: windows.kernel.slice(1),
  strides: windows.strides.slice(1),
  dilations: windows.dilations.slice(1),
  before: windows.before.slice(1),
  after: windows.after.slice(1),
  output: windows.output.slice(1),
});

/**
 * Returns the windows by which a convolution without strides goes from the output to the input of these, with
 * the kernel reversed; padding below 0 crops.
 */
export function reversed(windows: Windows): Windows {
  const { input, output, before: padding } = windows;
  const spans = reach(windows);
  const before = padding.map((size, axis) => spans[axis]! - 1 - size);
  const after = input.map((size, axis) => size + spans[axis]! - 1 - output[axis]! - before[axis]!);
  return { ...windows, input: output, strides: input.map(() => 1), before, after, output: input };
}

/** Whether a node says its padding itself. */
export const hasExplicitPads = (spec: Described): boolean => textOf(spec, "auto_pad", "NOTSET") === "NOTSET";

/** Attributes of ONNX that describe windows. */
export type WindowAttributes = Readonly<
  Record<"kernel_shape" | "strides" | "dilations" | "pads", readonly number[]>
>;

/** Returns the attributes that say the same to ONNX. */
export function windowAttributes(windows: Windows): WindowAttributes {
  const { kernel, strides, dilations, before, after } = windows;
  return { kernel_shape: kernel, strides, dilations, pads: [...before, ...after] };
}

/** Returns the windows of a convolution or pooling over `input`, auto_pad and ceil_mode resolved. */
export function forwardWindows(
  spec: Described,
  input: readonly number[],
  kernel: readonly number[],
): Windows {
  const { strides, dilations } = steps(spec, input.length);
  const spans = reach({ kernel, dilations });
  const mode = textOf(spec, "auto_pad", "NOTSET");
  const [before, after] = pads(spec, input.length);
  const output: number[] = [];
  for (const [axis, size] of input.entries()) {
    const [span, stride] = [spans[axis]!, strides[axis]!];
    if (mode.startsWith("SAME")) {
      output[axis] = Math.ceil(size / stride);
      const total = Math.max((output[axis]! - 1) * stride + span - size, 0);
      before[axis] = mode === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
      after[axis] = total - before[axis]!;
      continue;
    }
    const room = size + before[axis]! + after[axis]! - span;
    if (room < 0)
      throw graphError(spec.name, `at least ${span} along spatial axis ${axis}, padding included`, size);
    output[axis] = Math.floor(room / stride) + 1;
    // A window that ceil_mode adds must still begin inside the input or the padding before it.
    if (
      numberOf(spec, "ceil_mode", 0) &&
      room % stride !== 0 &&
      output[axis]! * stride < size + before[axis]!
    ) {
      output[axis] = output[axis]! + 1;
    }
  }
  return { input, kernel, strides, dilations, before, after, output };
}

/** Returns the windows of the convolution whose input gradient a ConvTranspose over `output` is. */
export function transposedWindows(
  spec: Described,
  output: readonly number[],
  kernel: readonly number[],
): Windows {
  const rank = output.length;
  const { strides, dilations } = steps(spec, rank);
  const spans = reach({ kernel, dilations });
  const extra = list(spec, "output_padding", rank, 0);
  if (extra.some((size, axis) => size < 0 || size >= strides[axis]!))
    throw graphError(`${spec.name}.output_padding`, "0 or more, and less than the strides", extra);
  const full = output.map((size, axis) => strides[axis]! * (size - 1) + extra[axis]! + spans[axis]!);
  const mode = textOf(spec, "auto_pad", "NOTSET");
  const [before, after] = pads(spec, rank);
  const shape = numbersOf(spec, "output_shape");
  if (shape !== undefined && shape.length !== rank && shape.length !== rank + 2)
    throw graphError(`${spec.name}.output_shape`, `${rank} sizes`, shape);
  const wanted =
    shape?.slice(-rank) ??
    (mode.startsWith("SAME") ? output.map((size, axis) => size * strides[axis]!) : undefined);
  for (const [axis, size] of (wanted ?? []).entries()) {
    const total = Math.max(full[axis]! - size, 0);
    before[axis] = mode === "SAME_UPPER" ? Math.floor(total / 2) : Math.ceil(total / 2);
    after[axis] = total - before[axis]!;
    full[axis] = size + total;
  }
  const input = full.map((size, axis) => size - before[axis]! - after[axis]!);
  if (input.some((size) => size < 1)) {
    const where = shape === undefined ? "pads" : "output_shape";
    throw graphError(`${spec.name}.${where}`, "an output of 1 or more along each axis", input);
  }
  return { input, kernel, strides, dilations, before, after, output };
}

function steps(spec: Described, rank: number): { readonly strides: number[]; readonly dilations: number[] } {
  const strides = list(spec, "strides", rank, 1);
  const dilations = list(spec, "dilations", rank, 1);
  for (const [key, values] of Object.entries({ strides, dilations })) {
    if (values.some((value) => value < 1)) throw graphError(`${spec.name}.${key}`, "1 or more", values);
  }
  return { strides, dilations };
}

function pads(spec: Described, rank: number): [number[], number[]] {
  const mode = textOf(spec, "auto_pad", "NOTSET");
  if (!["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"].includes(mode)) {
    throw graphError(`${spec.name}.auto_pad`, "NOTSET, VALID, SAME_UPPER or SAME_LOWER", mode);
  }
  if (mode !== "NOTSET") return [Array<number>(rank).fill(0), Array<number>(rank).fill(0)];
  const values = list(spec, "pads", 2 * rank, 0);
  if (values.some((value) => value < 0)) throw graphError(`${spec.name}.pads`, "0 or more", values);
  return [values.slice(0, rank), values.slice(rank)];
}

function list(spec: Described, key: string, length: number, otherwise: number): number[] {
  const values = numbersOf(spec, key) ?? Array<number>(length).fill(otherwise);
  if (values.length !== length || !values.every(Number.isInteger)) {
    throw graphError(`${spec.name}.${key}`, `${length} whole numbers`, values);
  }
  return [...values];
}
