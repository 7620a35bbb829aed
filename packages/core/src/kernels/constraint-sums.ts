import { call, native } from "../binding.js";
import { checkIgnore, checkPositive, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Tensor } from "../tensor.js";
import { checkDims } from "./probability-maps.js";

export interface ConstraintSumsOptions extends SignalOption {
  /** The label of pixels that do not count. */
  readonly ignore?: number;
  /** The margin: above 0 without targets, else 0 or more. */
  readonly margin: number;
  /** Values per class as the logits, for constraints on the distance to them. */
  readonly targets?: Tensor<"float32">;
  /** With targets: 1 for pixels near a boundary, 0 elsewhere, as the labels. */
  readonly near?: Tensor<"float32">;
  /** The multiplier and the penalty parameter of every channel. */
  readonly multipliers: readonly number[];
  readonly parameters: readonly number[];
}

/** Sums over the counted pixels, a number per channel. */
export interface ConstraintSums {
  /** The sums of max(0, multiplier + parameter h), kept from 1e-6 to 1e6; h are the constraints. */
  readonly pushed: readonly number[];
  readonly constraints: readonly number[];
  /** The numbers of pixels with a constraint in the channel. */
  readonly seen: readonly number[];
  /** The number of the counted pixels. */
  readonly count: number;
}

const names = optionNames<ConstraintSumsOptions>({
  signal: true,
  ignore: true,
  margin: true,
  targets: true,
  near: true,
  multipliers: true,
  parameters: true,
});

/**
 * Adds up constraints on logits `[N, C, ...spatial]` for the multipliers of an augmented Lagrangian. Without
 * targets a pixel has h = (max_c z_c - z_k - margin) / margin in channel k (CALS); with targets t it has
 * |t_k - z_k| in channel k where `near` is 1, and |margin t_k - z_k| in channel C + k elsewhere (CRaC).
 */
export async function constraintSums(
  logits: Tensor<"float32">,
  labels: Labels,
  options: ConstraintSumsOptions,
): Promise<ConstraintSums> {
  checkOptions("options", options, names);
  const { signal, ignore, margin, targets, near, multipliers, parameters } = options;
  checkSignal(signal);
  checkIgnore(ignore);
  if (targets === undefined) checkPositive("margin", margin);
  else if (!(Number.isFinite(margin) && margin >= 0))
    throw invalidArgument("margin", "a number of 0 or more", margin);
  checkTensor("logits", logits, ["float32"], [3, 5]);
  checkTensor("labels", labels, ["uint8", "int32", "int64"], [2, 4]);
  const [batch, classes, ...size] = logits.dims as [number, number, ...number[]];
  checkDims("labels", labels, [batch, ...size]);
  if ((targets === undefined) !== (near === undefined))
    throw invalidArgument("near", "a tensor together with targets", near);
  for (const [name, tensor, dims] of [
    ["targets", targets, logits.dims],
    ["near", near, labels.dims],
  ] as const)
    if (tensor !== undefined) {
      checkTensor(name, tensor, ["float32"], [2, 5]);
      checkDims(name, tensor, dims);
    }
  const channels = classes * (targets === undefined ? 1 : 2);
  for (const [name, list] of Object.entries({ multipliers, parameters })) {
    const fits = Array.isArray(list) && list.length === channels && list.every(Number.isFinite);
    if (!fits) throw invalidArgument(name, `${channels} finite numbers`, list);
  }
  const request = {
    logits: logits.data,
    labels: labels.data,
    batch,
    classes,
    size,
    ignore,
    margin,
    targets: targets?.data,
    near: near?.data,
    multipliers,
    parameters,
  };
  return call(native.constraintSums, request, signal);
}
