import { checkClasses, checkIgnore } from "../check.js";
import { checkOptions } from "../check-options.js";
import { invalidArgument } from "../errors.js";
import type { Labels, Probabilities } from "../tensor.js";
import type { Metric } from "./metric.js";
import { checkSameOptions, decodeState, encodeState } from "./metric-state.js";

/** Throws unless `options` has a class count, a label or nothing to ignore, and no options beside `names`. */
export function checkMetricOptions(
  options: { readonly classes: number; readonly ignore?: number },
  names: ReadonlySet<string>,
): void {
  checkOptions("options", options, names);
  checkClasses(options.classes);
  checkIgnore(options.ignore);
}

/** What every metric here shares: options with the number of classes, and sums that are added up. */
export abstract class Accumulator<R, O extends { readonly classes: number }> implements Metric<R> {
  /** Names the class in its states. */
  protected abstract readonly kind: string;
  protected readonly options: O;
  protected readonly sums: Float64Array;

  /** `options` with every field in a fixed order, so that equal options have equal JSON. */
  protected constructor(options: O, length: number) {
    this.options = options;
    this.sums = new Float64Array(length);
  }

  abstract update(probs: Probabilities, labels: Labels): Promise<void>;
  abstract compute(): R;

  merge(other: this): void {
    if (!(other instanceof Accumulator) || other.kind !== this.kind) {
      throw invalidArgument("other", `a ${this.kind}`, other);
    }
    checkSameOptions(this.options, other.options);
    other.sums.forEach((sum, i) => void (this.sums[i]! += sum));
  }

  reset(): void {
    this.sums.fill(0);
  }

  state(): Uint8Array {
    return encodeState(this.kind, this.options, this.sums);
  }

  protected checkProbs(probs: Probabilities): void {
    const classes = probs?.dims?.[1];
    if (classes !== this.options.classes)
      throw invalidArgument("probs", `${this.options.classes} classes`, classes);
  }

  protected static checkOptions(options: { readonly classes: number }): void {
    if (typeof options !== "object" || options === null)
      throw invalidArgument("options", "an object", options);
    checkClasses(options.classes);
  }

  /** The metric `make` builds from the options in `state`, holding its sums. */
  protected static restored<M extends Accumulator<unknown, { readonly classes: number }>>(
    kind: string,
    state: Uint8Array,
    make: (options: never) => M,
  ): M {
    const { options, sums } = decodeState(kind, state);
    const metric = make(options as never);
    if (metric.sums.length !== sums.length) {
      throw invalidArgument("state", `${metric.sums.length} sums`, sums.length);
    }
    metric.sums.set(sums);
    return metric;
  }
}
