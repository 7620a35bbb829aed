import { CalibrationMetric, type CalibrationMetricOptions } from "@pixelcal/core";
import { type Drift, judge } from "./drift.js";

/** The calibration of the latest cases; each is a metric of a few hundred bytes. */
export class CalibrationWindow {
  readonly #options: CalibrationMetricOptions;
  readonly #size: number;
  readonly #baseline: CalibrationMetric | undefined;
  readonly #cases: CalibrationMetric[] = [];
  #judged: Promise<Drift> | undefined;

  /** Throws for a `baseline` that is no state of a metric with these options. */
  constructor(options: CalibrationMetricOptions, size: number, baseline?: Uint8Array) {
    this.#options = options;
    this.#size = size;
    if (baseline === undefined) return;
    this.#baseline = CalibrationMetric.restore(baseline);
    new CalibrationMetric(options).merge(this.#baseline);
  }

  /** Adds a case by its metric's state; the oldest case leaves. */
  add(state: Uint8Array): void {
    this.#cases.push(CalibrationMetric.restore(state));
    if (this.#cases.length > this.#size) this.#cases.shift();
    this.#judged = undefined;
  }

  /** Returns the metric of all cases in the window. */
  merged(): CalibrationMetric {
    const whole = new CalibrationMetric(this.#options);
    for (const metric of this.#cases) whole.merge(metric);
    return whole;
  }

  /** Returns the judgement, which is made once for each change of the window. */
  drift(): Promise<Drift> {
    const baseline = this.#baseline?.bins();
    this.#judged ??= judge(
      this.#cases.map((metric) => metric.bins()),
      baseline === undefined ? {} : { baseline },
    );
    return this.#judged;
  }
}
