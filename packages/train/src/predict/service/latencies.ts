export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

/** The most recent durations, in milliseconds. */
export class Latencies {
  readonly #limit: number;
  readonly #values: number[] = [];
  #count = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(value: number): void {
    this.#values[this.#count % this.#limit] = value;
    this.#count += 1;
  }

  /** Returns mean and quantiles (nearest rank) of the durations; NaN if there are none. */
  summary(): LatencySummary {
    const sorted = this.#values.toSorted((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    return { count: sorted.length, mean, p50: at(0.5), p99: at(0.99) };
  }
}
