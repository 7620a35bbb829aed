import { call, callSync, native } from "../binding.js";
import { checkOut, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import { Random } from "../random.js";
import { type Tensor, tensor } from "../tensor.js";

export interface WeightedSumsOptions extends SignalOption {
  readonly out?: Tensor<"float64">;
}

const names = optionNames<WeightedSumsOptions>({ out: true, signal: true });

/**
 * Returns the sums `[draws, width]` of rows `[groups, width]` by the weights `[draws, groups]` of every draw:
 * a product of matrices that adds in the order of the groups, so that the bits do not depend on threads.
 */
export async function weightedSums(
  weights: Tensor<"float64">,
  rows: Tensor<"float64">,
  options: WeightedSumsOptions = {},
): Promise<Tensor<"float64">> {
  const request = sumsRequest(weights, rows, options);
  const sums = await call(native.weightedSums, request, options.signal);
  return tensor("float64", sums, [request.draws, request.width]);
}

/** Runs {@link weightedSums} on the calling thread. */
export function weightedSumsSync(
  weights: Tensor<"float64">,
  rows: Tensor<"float64">,
  options: WeightedSumsOptions = {},
): Tensor<"float64"> {
  const request = sumsRequest(weights, rows, options);
  return tensor(
    "float64",
    callSync(() => native.weightedSumsSync(request)),
    [request.draws, request.width],
  );
}

function sumsRequest(
  weights: Tensor<"float64">,
  rows: Tensor<"float64">,
  options: WeightedSumsOptions,
): Parameters<typeof native.weightedSums>[0] {
  checkOptions("options", options, names);
  checkSignal(options.signal);
  checkTensor("weights", weights, ["float64"], [2, 2]);
  checkTensor("rows", rows, ["float64"], [2, 2]);
  const [draws = 0, groups = 0] = weights.dims;
  const [height, width = 0] = rows.dims;
  if (height !== groups) throw invalidArgument("rows", `${groups} rows, one for each weight`, height);
  checkOut(options.out, "float64", [draws, width]);
  return { values: rows.data, weights: weights.data, draws, groups, width, out: options.out?.data };
}

export interface ResampledSumsOptions extends SignalOption {
  readonly draws: number;
  /**
   * The weights of the rows in a draw: `counts` of the times that each is picked, of as many picks with
   * replacement as there are rows; or `signs`, 1 and -1 of equal chance.
   */
  readonly weights: "counts" | "signs";
  readonly random: Random;
}

const resampledNames = optionNames<ResampledSumsOptions>({
  draws: true,
  weights: true,
  random: true,
  signal: true,
});

/**
 * Returns the {@link weightedSums} [draws, width] of rows [groups, width] by random weights, and the
 * generator after them. `counts` takes `random.integer(groups)` for every row; `signs` takes the bits of
 * `random.bits()`, the lowest first, and leaves over those of the last. The given generator does not advance.
 */
export async function resampledSums(
  rows: Tensor<"float64">,
  options: ResampledSumsOptions,
): Promise<{ readonly sums: Tensor<"float64">; readonly random: Random }> {
  checkOptions("options", options, resampledNames);
  checkSignal(options.signal);
  checkTensor("rows", rows, ["float64"], [2, 2]);
  const { draws, weights, random, signal } = options;
  const [groups = 0, width = 0] = rows.dims;
  const request = { values: rows.data, weights, state: random.state(), draws, groups, width };
  const { sums, state } = await call(native.resampledSums, request, signal);
  return { sums: tensor("float64", sums, [draws, width]), random: Random.fromState(state) };
}
