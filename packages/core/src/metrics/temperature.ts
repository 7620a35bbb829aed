import { call, callSync, native } from "../binding.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type SignalOption } from "../device.js";
import { invalidArgument } from "../errors.js";
import { type PixelSelection, probabilityMaps } from "../kernels/probability-maps.js";
import { holds, type Labels, type Probabilities } from "../tensor.js";

export interface TemperatureSketchOptions extends PixelSelection, SignalOption {}

const names = optionNames<TemperatureSketchOptions>({ ignore: true, mask: true, signal: true });

/** The number of inverse temperatures of a sketch: four in each octave from 1/16 to 16. */
const points = 33;
const one = 16;
const inverseTemperatures = Float64Array.from(
  { length: points },
  (_, k) => 2 ** (Math.floor(k / 4) - 4) * (1 + (k % 4) / 4),
);
const sketchLength = 3 + 3 * points;

/**
 * The log loss of softmax(beta ln p) over pixels as a function of the inverse temperature beta, from which
 * {@link fittedTemperature} finds its least value. The sum of two sketches, number by number, is the sketch
 * of both sets of pixels: count, pixels whose label has probability 0, the loss at beta = 1, then the loss's
 * first three derivatives at 33 values of beta from 1/16 to 16.
 */
export type TemperatureSketch = Float64Array;

/**
 * Sums what the temperature of probabilities `[N, C, ...spatial]` depends on, against labels `[N,
 * ...spatial]`: one pass, whatever is fitted later. softmax(ln p / T) is softmax(z / T) for the logits z of
 * p.
 */
export async function temperatureSketch(
  probs: Probabilities,
  labels: Labels,
  options: TemperatureSketchOptions = {},
): Promise<TemperatureSketch> {
  checkOptions("options", options, names);
  checkCall(options);
  return call(native.temperatureSketch, probabilityMaps(probs, labels, options), options.signal);
}

/** Runs {@link temperatureSketch} on the calling thread. */
export function temperatureSketchSync(
  probs: Probabilities,
  labels: Labels,
  options: TemperatureSketchOptions = {},
): TemperatureSketch {
  checkOptions("options", options, names);
  checkCall(options);
  return callSync(() => native.temperatureSketchSync(probabilityMaps(probs, labels, options)));
}

export interface FittedTemperature {
  /** The T whose softmax(z / T) has the least log loss: above 1 where the model is too confident. */
  readonly temperature: number;
  /** The mean log loss with it, and without (T = 1). */
  readonly negativeLogLikelihood: number;
  readonly uncalibrated: number;
  /**
   * Whether T is 1/16 or 16 because the loss falls beyond: labels that the model always or never predicts.
   */
  readonly atLimit: boolean;
  readonly pixels: number;
  /** The pixels whose label has probability 0 and which no temperature changes; they are left out. */
  readonly impossible: number;
}

/**
 * Returns the temperature that a sketch's pixels ask for, to about 1e-6 of itself: the loss is convex in 1 /
 * T, and its slope is interpolated by quintic polynomials that have its slope and two derivatives at both
 * ends. NaN without pixels.
 */
export function fittedTemperature(sketch: TemperatureSketch): FittedTemperature {
  checkSketch(sketch);
  const [count = 0, impossible = 0, loss = 0] = sketch;
  const slope = sketch.subarray(3, 3 + points);
  // Without any doubt, as with one class, every temperature has the same loss.
  const flat = slope.every((value) => Math.abs(value) <= 1e-12 * count);
  const upper = flat ? one : slope.findIndex((value) => value >= 0);
  const atLimit = upper === 0 || upper < 0;
  const beta = flat ? 1 : upper < 0 ? 16 : upper === 0 ? 1 / 16 : root(sketch, upper - 1);
  return {
    temperature: count > 0 ? 1 / beta : Number.NaN,
    negativeLogLikelihood: (loss + lossFromOne(sketch, beta)) / count,
    uncalibrated: loss / count,
    atLimit: count > 0 && atLimit,
    pixels: count,
    impossible,
  };
}

/** Throws unless `sketch` has the length of one, and sums that are numbers. */
function checkSketch(sketch: TemperatureSketch): void {
  if (!holds("float64", sketch) || sketch.length !== sketchLength || !sketch.every(Number.isFinite))
    throw invalidArgument("sketch", `${sketchLength} numbers of temperatureSketch`, sketch);
}

/** Returns the number of values of a sketch. */
export const temperatureSketchLength: number = sketchLength;

/** Returns the coefficients in t of the slope between points k and k + 1, beta = beta_k + t * width. */
function quintic(sketch: TemperatureSketch, k: number): { width: number; coefficients: readonly number[] } {
  const width = inverseTemperatures[k + 1]! - inverseTemperatures[k]!;
  const at = (part: number, point: number): number => sketch[3 + part * points + point]!;
  const [a, b] = [at(0, k), at(0, k + 1)];
  const [da, db] = [at(1, k) * width, at(1, k + 1) * width];
  const [dda, ddb] = [at(2, k) * width ** 2, at(2, k + 1) * width ** 2];
  const rest = b - a - da - dda / 2;
  const restSlope = db - da - dda;
  const restCurve = ddb - dda;
  return {
    width,
    coefficients: [
      a,
      da,
      dda / 2,
      10 * rest - 4 * restSlope + restCurve / 2,
      -15 * rest + 7 * restSlope - restCurve,
      6 * rest - 3 * restSlope + restCurve / 2,
    ],
  };
}

/** Returns where the slope crosses zero between points k and k + 1, by bisection to the last bit. */
function root(sketch: TemperatureSketch, k: number): number {
  const { width, coefficients } = quintic(sketch, k);
  const slope = (t: number): number => coefficients.reduceRight((sum, factor) => sum * t + factor, 0);
  let [low, high] = [0, 1];
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2;
    if (slope(middle) < 0) low = middle;
    else high = middle;
  }
  return inverseTemperatures[k]! + high * width;
}

/** Returns the integral of the slope from 1 to beta. */
function lossFromOne(sketch: TemperatureSketch, beta: number): number {
  let sum = 0;
  const [low, high] = [Math.min(1, beta), Math.max(1, beta)];
  for (let k = 0; k + 1 < points; k++) {
    const start = inverseTemperatures[k]!;
    const { width, coefficients } = quintic(sketch, k);
    const integral = (t: number): number =>
      coefficients.reduceRight((total, factor, power) => total * t + factor / (power + 1), 0) * t * width;
    const within = (value: number): number => Math.min(1, Math.max(0, (value - start) / width));
    sum += integral(within(high)) - integral(within(low));
  }
  return beta < 1 ? -sum : sum;
}
