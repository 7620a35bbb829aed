import { checkSignal, type SignalOption } from "../device.js";
import {
  type CalibrationBins,
  calibrationHistograms,
  type HistogramOptions,
} from "../kernels/calibration-bins.js";
import type { Labels, Probabilities } from "../tensor.js";
import { argMax } from "./overlap.js";

/** The options of a metric's update. */
export interface MetricUpdateOptions extends SignalOption {
  /** The physical size of a pixel per spatial dimension, for distances. */
  readonly spacing?: readonly number[];
}

interface Wanted {
  readonly options: HistogramOptions;
  readonly resolve: (bins: CalibrationBins) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Probabilities and labels while metrics measure them. What several metrics need is computed once: the
 * arg-max, and in one pass over the probabilities all bins that are asked for before the event loop goes on.
 */
export class ScoredCase {
  readonly probs: Probabilities;
  readonly labels: Labels;
  readonly spacing: readonly number[] | undefined;
  readonly signal: AbortSignal | undefined;
  #predicted: Promise<Labels> | undefined;
  // The wanted bins by the label that they leave out.
  readonly #wanted = new Map<number | undefined, Wanted[]>();

  constructor(probs: Probabilities, labels: Labels, { spacing, signal }: MetricUpdateOptions) {
    checkSignal(signal);
    this.probs = probs;
    this.labels = labels;
    this.spacing = spacing;
    this.signal = signal;
  }

  /** Returns the likeliest class of every pixel. */
  predicted(): Promise<Labels> {
    this.#predicted ??= argMax(this.probs, { signal: this.signal });
    return this.#predicted;
  }

  /** Returns the bins of the pixels whose label is not `ignore`. */
  bins(options: HistogramOptions, ignore: number | undefined): Promise<CalibrationBins> {
    return new Promise((resolve, reject) => {
      const wanted = this.#wanted.get(ignore);
      if (wanted) wanted.push({ options, resolve, reject });
      else {
        this.#wanted.set(ignore, [{ options, resolve, reject }]);
        queueMicrotask(() => void this.#bin(ignore));
      }
    });
  }

  async #bin(ignore: number | undefined): Promise<void> {
    const wanted = this.#wanted.get(ignore)!;
    this.#wanted.delete(ignore);
    try {
      const layouts = wanted.map(({ options }) => options);
      const { signal } = this;
      const bins = await calibrationHistograms(this.probs, this.labels, layouts, { ignore, signal });
      wanted.forEach(({ resolve }, i) => void resolve(bins[i]!));
    } catch (error) {
      for (const { reject } of wanted) reject(error);
    }
  }
}
