import { optionNames } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import { Accumulator, checkMetricOptions } from "./accumulator.js";
import type { CasePart } from "./case-plan.js";
import { addExactly, carry, exactUnit, exactValues } from "./exact-sums.js";
import { type MetricJson, stateBytes } from "./metric-state.js";
import type { ScoredCase } from "./scored-case.js";
import {
  type FittedTemperature,
  fittedTemperature,
  temperatureSketchLength as length,
  type TemperatureSketch,
} from "./temperature.js";

export interface TemperatureMetricOptions {
  readonly classes: number;
  readonly ignore?: number;
}

const names = optionNames<TemperatureMetricOptions>({ classes: true, ignore: true });
const part: CasePart = { kind: "temperature" };

/**
 * The temperature fitted to all pixels of a stream of cases, in 2 kB. Each update's sums are rounded to
 * 2^-40, and then exact: any order and any split into partial states gives the same bytes.
 */
export class TemperatureMetric extends Accumulator<FittedTemperature, TemperatureMetricOptions> {
  protected override readonly kind: string = "TemperatureMetric";

  constructor(options: TemperatureMetricOptions) {
    checkMetricOptions(options, names);
    const { classes, ignore } = options;
    super({ classes, ignore }, 2 * length);
  }

  static restore(state: Uint8Array): TemperatureMetric {
    const make = (options: TemperatureMetricOptions): TemperatureMetric => new TemperatureMetric(options);
    return Accumulator.restored("TemperatureMetric", state, make);
  }

  static fromJSON(json: MetricJson): TemperatureMetric {
    return TemperatureMetric.restore(stateBytes("TemperatureMetric", json));
  }

  // Slopes and third derivatives may be negative.
  protected override checkSums(sums: Float64Array): void {
    sums.forEach((sum, i) => {
      if (!Number.isSafeInteger(sum) || (i >= length && !(sum >= 0 && sum < exactUnit)))
        throw invalidArgument("state", "whole numbers and fractions", sum);
    });
  }

  override async measure(scored: ScoredCase): Promise<() => void> {
    this.checkProbs(scored.probs);
    const sketch = await scored.part(part, this.options);
    return () => addExactly(...this.#parts(), sketch);
  }

  override merge(other: this): void {
    super.merge(other);
    carry(...this.#parts());
  }

  #parts(): [Float64Array, Float64Array] {
    return [this.sums.subarray(0, length), this.sums.subarray(length)];
  }

  /** Returns the sketch of all pixels seen. */
  sketch(): TemperatureSketch {
    return exactValues(...this.#parts());
  }

  compute(): FittedTemperature {
    return fittedTemperature(this.sketch());
  }
}
