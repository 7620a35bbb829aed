import { call, native } from "../binding.js";
import { checkChoice, checkInteger, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import type { Tensor } from "../tensor.js";

/** The kinds of changes that `changeIntensity` makes. */
export type IntensityChange = "brightness" | "contrast" | "gamma" | "inverted-gamma" | "noise" | "blur";

const changes: readonly IntensityChange[] = [
  "brightness",
  "contrast",
  "gamma",
  "inverted-gamma",
  "noise",
  "blur",
];

export interface ChangeIntensityOptions extends SignalOption {
  readonly change: IntensityChange;
  /** A number a per channel, for blur one per channel and spatial axis, all 0 or more. */
  readonly amounts: readonly number[];
  /** Decides the noise; 0 by default. */
  readonly seed?: number;
}

const names = optionNames<ChangeIntensityOptions>({ signal: true, change: true, amounts: true, seed: true });

/**
 * Changes the intensities x of each channel of an image `[C, ...spatial]` by a number a of its own:
 * `brightness` a x; `contrast` mean + a (x - mean), kept within the channel's range; `gamma` u^a with u in
 * [0, 1] over that range, scaled and shifted to the channel's mean and deviation (`inverted-gamma`: of -x);
 * `noise` x + a n with n standard normal; `blur` a Gaussian of deviation a pixels along each axis, in which
 * the border repeats. A channel that its number does not change (1, of noise and blur 0) keeps its bits.
 */
export async function changeIntensity(
  image: Tensor<"float32">,
  options: ChangeIntensityOptions,
): Promise<Tensor<"float32">> {
  checkOptions("options", options, names);
  checkTensor("image", image, ["float32"], [2, 4]);
  const { change, amounts, seed = 0, signal } = options;
  checkSignal(signal);
  if (change === undefined) throw invalidArgument("change", `one of ${changes.join(", ")}`, change);
  checkChoice("change", change, changes);
  checkInteger("seed", seed, 0, Number.MAX_SAFE_INTEGER);
  const [batch, ...size] = image.dims as [number, ...number[]];
  const count = batch * (change === "blur" ? size.length : 1);
  const least = change.endsWith("gamma") ? Number.MIN_VALUE : 0;
  const fits =
    Array.isArray(amounts) &&
    amounts.length === count &&
    amounts.every((a) => Number.isFinite(a) && a >= least && !(change === "blur" && a > 1000));
  if (!fits)
    throw invalidArgument("amounts", `${count} numbers ${least > 0 ? "above 0" : "of 0 or more"}`, amounts);
  const request = { image: image.data, batch, size, change, amounts, seed };
  return { type: "float32", dims: image.dims, data: await call(native.changeIntensity, request, signal) };
}
