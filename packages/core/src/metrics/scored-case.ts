import { checkSignal } from "../device.js";
import type { Labels, Probabilities } from "../tensor.js";
import { type CasePart, CasePlan } from "./case-plan.js";
import type { MetricUpdateOptions } from "./metric.js";

interface Wanted {
  readonly part: CasePart;
  readonly resolve: (numbers: Float64Array) => void;
  readonly reject: (error: unknown) => void;
}

/** The pixels that a part counts. */
interface Counted {
  readonly classes: number;
  readonly ignore?: number;
}

/** The plans of the cases of one metric or group, which wants the same parts of each. */
export class CasePlans {
  readonly #known = new Map<number | undefined, { parts: readonly CasePart[]; plan: CasePlan }>();

  /** Returns the plan of these parts, the last one if they are the same objects. */
  plan({ classes, ignore }: Counted, parts: readonly CasePart[]): CasePlan {
    const known = this.#known.get(ignore);
    if (known?.parts.length === parts.length && parts.every((part, i) => part === known.parts[i]))
      return known.plan;
    const plan = new CasePlan(classes, ignore, parts);
    this.#known.set(ignore, { parts, plan });
    return plan;
  }
}

/**
 * Probabilities and labels while metrics measure them. All parts that are asked for before the event loop
 * goes on come from one pass over the probabilities, those with another ignored label from one of their own.
 */
export class ScoredCase {
  readonly probs: Probabilities;
  readonly labels: Labels;
  readonly spacing: readonly number[] | undefined;
  readonly signal: AbortSignal | undefined;
  readonly #plans: CasePlans;
  // The wanted parts by the label that they leave out.
  readonly #wanted = new Map<number | undefined, Wanted[]>();

  constructor(
    probs: Probabilities,
    labels: Labels,
    { spacing, signal }: MetricUpdateOptions,
    plans: CasePlans,
  ) {
    checkSignal(signal);
    this.probs = probs;
    this.labels = labels;
    this.spacing = spacing;
    this.signal = signal;
    this.#plans = plans;
  }

  /** Returns the numbers of a part of the pixels whose label is not `ignore`. */
  part(part: CasePart, { classes, ignore }: Counted): Promise<Float64Array> {
    return new Promise((resolve, reject) => {
      const wanted = this.#wanted.get(ignore);
      if (wanted) wanted.push({ part, resolve, reject });
      else {
        this.#wanted.set(ignore, [{ part, resolve, reject }]);
        queueMicrotask(() => void this.#score({ classes, ignore }));
      }
    });
  }

  async #score(counted: Counted): Promise<void> {
    const wanted = this.#wanted.get(counted.ignore)!;
    this.#wanted.delete(counted.ignore);
    try {
      const plan = this.#plans.plan(
        counted,
        wanted.map(({ part }) => part),
      );
      const { parts } = await plan.score(this.probs, this.labels, this);
      wanted.forEach(({ resolve }, i) => void resolve(parts[i]!));
    } catch (error) {
      for (const { reject } of wanted) reject(error);
    }
  }
}
