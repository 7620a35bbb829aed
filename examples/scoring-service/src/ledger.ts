import { type CalibrationMetric, overconfidence } from "@pixelcal/core";
import { Gauge, Registry } from "prom-client";
import { calibrationOptions } from "./scoring.js";
import type { Settings } from "./settings.js";
import { CalibrationWindow } from "./window.js";

/**
 * The running calibration of the service. There is one, whatever the number of processes: workers send states
 * of their cases to it, which merge exactly.
 */
export interface Ledger {
  /** Records a scored case by the state of its calibration metric. */
  record(state: Uint8Array): Promise<void>;
  /** Returns the state of the window's merged metric. */
  state(): Promise<Uint8Array>;
  /** Returns the text of /metrics. */
  metrics(): Promise<string>;
}

/** The ledger in the process that keeps it. */
export class LocalLedger implements Ledger {
  readonly #window: CalibrationWindow;
  readonly #registry = new Registry();
  readonly #others: () => Promise<string>;

  /** `others` returns the text of the metrics that the serving processes count. */
  constructor(
    settings: Pick<Settings, "classes" | "ignore" | "window">,
    baseline: Uint8Array | undefined,
    others: () => Promise<string>,
  ) {
    this.#window = new CalibrationWindow(calibrationOptions(settings), settings.window, baseline);
    this.#others = others;
    addGauges(this.#registry, this.#window);
  }

  async record(state: Uint8Array): Promise<void> {
    this.#window.add(state);
  }

  async state(): Promise<Uint8Array> {
    return this.#window.merged().state();
  }

  async metrics(): Promise<string> {
    return `${await this.#registry.metrics()}\n${await this.#others()}`;
  }
}

/** Adds the gauges of a window, which are computed when they are read. */
function addGauges(registry: Registry, window: CalibrationWindow): void {
  const gauge = (
    name: string,
    help: string,
    value: (merged: CalibrationMetric) => number | Promise<number>,
  ): void => {
    new Gauge({
      name: `pixelcal_${name}`,
      help,
      registers: [registry],
      async collect() {
        this.set(await value(window.merged()));
      },
    });
  };
  gauge("window_cases", "Cases in the window", async () => (await window.drift()).cases);
  gauge(
    "calibration_error",
    "Expected calibration error of the window's pixels",
    (m) => m.compute().expected,
  );
  gauge("overconfidence", "Mean confidence minus accuracy of the window's pixels", (m) =>
    overconfidence(m.bins()),
  );
  gauge(
    "drift_error",
    "Calibration error of the window, less the normal one",
    async () => (await window.drift()).error,
  );
  gauge(
    "drift_bound",
    "The drift error that 1 % of unchanged windows exceed",
    async () => (await window.drift()).bound,
  );
  gauge("drift_alarm", "1 beyond the bound, 0 within, NaN for too few cases", async () => {
    const { alarm } = await window.drift();
    return alarm === undefined ? Number.NaN : Number(alarm);
  });
}
