import type { SignalOption } from "../device.js";
import type { Labels, Probabilities } from "../tensor.js";
import type { MetricJson } from "./metric-state.js";

/** The options of a metric's update. */
export interface MetricUpdateOptions extends SignalOption {
  /** The physical size of a pixel per spatial dimension, for distances. */
  readonly spacing?: readonly number[];
}

/**
 * A score over a stream of cases in bounded memory. `update` takes probabilities `[N, C, ...spatial]` and
 * labels `[N, ...spatial]`; each of the N images is a case. `merge` adds what another accumulator with the
 * same options has seen: the same updates give the same bytes in any order and from any split into partial
 * states. `state` is a documented byte string from which the class's static `restore` makes an equal
 * accumulator; `toJSON`, which `JSON.stringify` calls, and the static `fromJSON` do the same with JSON. An
 * update that fails or is aborted adds nothing.
 */
export interface Metric<R> {
  update(probs: Probabilities, labels: Labels, options?: MetricUpdateOptions): Promise<void>;
  merge(other: this): void;
  compute(): R;
  reset(): void;
  state(): Uint8Array;
  toJSON(): MetricJson;
}

/** The statistics of one number per case. */
export interface CaseStatistics {
  /** The mean over the defined cases: Infinity if any case is, NaN if there is no case. */
  readonly mean: number;
  /** The sample standard deviation over the finite cases; NaN for fewer than two. */
  readonly deviation: number;
  /** The mean over the finite cases. */
  readonly finiteMean: number;
  /** The number of defined cases, including infinite ones. */
  readonly count: number;
  readonly infinite: number;
  /** The number of cases whose score is undefined (NaN); they count in no other field. */
  readonly undefined: number;
}
