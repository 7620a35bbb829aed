export interface LatencySummary {
  readonly count: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
}

/** The latencies that are kept, the most recent ones. */
const kept = 1000;

/** The counts of a predictor's requests, and the most recent latencies in milliseconds. */
export class Tally {
  resent = 0;
  #runs = 0;
  #begun = 0;
  #completed = 0;
  #failed = 0;
  #timedOut = 0;
  readonly #latencies: number[] = [];

  /** Counts a run of some requests that a process began. */
  begin(requests: number): void {
    this.#runs += 1;
    this.#begun += requests;
  }

  completed(latency: number): void {
    this.#latencies[this.#completed % kept] = latency;
    this.#completed += 1;
  }

  failed(late: boolean): void {
    this.#failed += 1;
    if (late) this.#timedOut += 1;
  }

  counts(): Record<"completed" | "failed" | "timedOut" | "runs" | "begun" | "resent", number> {
    return {
      completed: this.#completed,
      failed: this.#failed,
      timedOut: this.#timedOut,
      runs: this.#runs,
      begun: this.#begun,
      resent: this.resent,
    };
  }

  /** Returns mean and quantiles (nearest rank) of the latencies; NaN if there are none. */
  latency(): LatencySummary {
    const sorted = this.#latencies.toSorted((a, b) => a - b);
    const at = (share: number): number =>
      sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
    const mean = sorted.reduce((sum, value) => sum + value, 0) / sorted.length;
    return { count: this.#completed, mean, p50: at(0.5), p99: at(0.99) };
  }
}
