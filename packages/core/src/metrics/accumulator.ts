import { checkClasses, checkIgnore } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import type { SignalOption } from "../device.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import type { Labels, Probabilities } from "../tensor.js";
import type { Metric } from "./metric.js";
import {
  checkSameOptions,
  checkTotals,
  type DecodedState,
  decodeState,
  encodeState,
  type MetricJson,
  stateJson,
} from "./metric-state.js";
import { CasePlans, ScoredCase } from "./scored-case.js";

// The limit is 1 GiB; OverlapMetric needs classes * classes sums.
const mostSums = 2 ** 27;

const signalNames = optionNames<SignalOption>({ signal: true });

/** Throws unless `options` has a class count, an optional label to ignore, and only options in `names`. */
export function checkMetricOptions(
  options: { readonly classes: number; readonly ignore?: number },
  names: ReadonlySet<string>,
): void {
  checkOptions("options", options, names);
  checkClasses(options.classes);
  checkIgnore(options.ignore);
}

/** The options and sums of a state. */
export type StateContent = Pick<DecodedState, "options" | "sums">;

/** The changes from the content of old states to that of the next version; version 3 has the options of 2. */
interface StateUpgrades {
  readonly fromOne?: (old: StateContent) => StateContent;
  readonly fromTwo?: (old: StateContent) => Float64Array;
}

/**
 * The part that all metrics here share: options with the number of classes, and sums that add up over cases.
 */
export abstract class Accumulator<R, O extends { readonly classes: number }> implements Metric<R> {
  /** The name of the class in its states. */
  protected abstract readonly kind: string;
  protected readonly options: O;
  readonly #length: number;
  #sums: Float64Array | undefined;
  readonly #plans = new CasePlans();

  /**
   * Takes `options` with every default filled in, so that equal options have equal JSON, and the number of
   * sums.
   */
  protected constructor(options: O, length: number) {
    if (length > mostSums) {
      const message = `classes: ${options.classes} classes need ${length} sums; at most ${mostSums} (1 GiB) fit`;
      throw new InvalidArgumentError("classes", message);
    }
    this.options = options;
    this.#length = length;
  }

  /** Returns the sums, allocating them on first use: a state is known to fit before memory is taken. */
  protected get sums(): Float64Array {
    this.#sums ??= new Float64Array(this.#length);
    return this.#sums;
  }

  /** The names of the options of `update`. */
  protected readonly updateNames: ReadonlySet<string> = signalNames;

  async update(probs: Probabilities, labels: Labels, options: SignalOption = {}): Promise<void> {
    checkOptions("options", options, this.updateNames);
    const add = await this.measure(new ScoredCase(probs, labels, options, this.#plans));
    add();
  }

  /**
   * Measures a case and returns the function that adds it to the sums, which cannot fail.
   *
   * @internal
   */
  abstract measure(scored: ScoredCase): Promise<() => void>;
  abstract compute(): R;

  /** Throws unless `sums` is possible after some updates. */
  protected checkSums(sums: Float64Array): void {
    checkTotals(sums, 0, sums.length);
  }

  /**
   * Throws unless `other` can be merged.
   *
   * @internal
   */
  checkMerge(other: Accumulator<R, O>): void {
    if (!(other instanceof Accumulator) || other.kind !== this.kind) {
      throw invalidArgument("other", `a ${this.kind}`, other);
    }
    checkSameOptions(this.options, other.options);
  }

  merge(other: this): void {
    this.checkMerge(other);
    const [mine, theirs] = [this.sums, other.sums];
    for (let i = 0; i < mine.length; i++) mine[i]! += theirs[i]!;
  }

  reset(): void {
    this.sums.fill(0);
  }

  /**
   * Returns what a state holds.
   *
   * @internal
   */
  content(): StateContent & { readonly kind: string } {
    return { kind: this.kind, options: this.options, sums: this.sums };
  }

  state(): Uint8Array {
    return encodeState(this.kind, this.options, this.sums);
  }

  toJSON(): MetricJson {
    return stateJson(this.kind, this.state());
  }

  protected checkProbs(probs: Probabilities): void {
    const classes = probs?.dims?.[1];
    if (classes !== this.options.classes)
      throw invalidArgument("probs", `${this.options.classes} classes`, classes);
  }

  /**
   * Returns the metric that `make` builds from the options in `state`, with the state's sums. The upgrades
   * turn the content of a state of version 1 into that of version 2, and of version 2 into the present form.
   */
  protected static restored<M extends Accumulator<unknown, { readonly classes: number }>>(
    kind: string,
    state: Uint8Array,
    make: (options: never) => M,
    { fromOne = (old) => old, fromTwo = ({ sums }) => sums }: StateUpgrades = {},
  ): M {
    const decoded = decodeState(kind, state);
    try {
      const second = decoded.version === 1 ? fromOne(decoded) : decoded;
      const metric = make(second.options as never);
      const sums = decoded.version < 3 ? fromTwo(second) : second.sums;
      if (metric.#length !== sums.length)
        throw invalidArgument("state", `${metric.#length} sums`, sums.length);
      metric.checkSums(sums);
      metric.#sums = sums;
      return metric;
    } catch (error) {
      if (!(error instanceof InvalidArgumentError) || error.argument === "state") throw error;
      throw new InvalidArgumentError("state", `state: ${error.message}`, { cause: error });
    }
  }
}
