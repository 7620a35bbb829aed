import type { Job } from "./job.js";
import type { BatchOptions } from "./predictor-options.js";

/**
 * Waiting requests in the order they came. Requests that fit together leave as one run: one, two, four,
 * eight ... of them, as the model is compiled once for each number of images.
 */
export class RequestQueue {
  readonly #batch: BatchOptions;
  readonly #waiting: { readonly job: Job; readonly key: string; readonly most: number }[] = [];

  constructor(batch: BatchOptions = { size: 1 }) {
    this.#batch = batch;
  }

  get length(): number {
    return this.#waiting.length;
  }

  add(job: Job): void {
    const { images, settings } = job;
    // Predicted one by one anyway: joined, the first would only wait for the last.
    const apart = settings.separate === true || settings.options.tile !== undefined;
    const most = apart ? 1 : runSizes(this.#batch.size, images.dims[0]!).at(-1)!;
    const key = most === 1 ? "" : JSON.stringify([images.type, images.dims, settings]);
    this.#waiting.push({ job, key, most });
  }

  /** Takes a request out; returns whether it was there. */
  remove(job: Job): boolean {
    const place = this.#waiting.findIndex((entry) => entry.job === job);
    if (place >= 0) this.#waiting.splice(place, 1);
    return place >= 0;
  }

  /** Takes every request out. */
  clear(): readonly Job[] {
    return this.#waiting.splice(0).map(({ job }) => job);
  }

  /** Takes out the requests of the first run that is full or has waited enough; empty if there is none. */
  take(now: number): readonly Job[] {
    const seen = new Set<string>();
    for (const { job, key, most } of this.#waiting) {
      if (most === 1) return this.#taken([job]);
      if (seen.has(key)) continue;
      seen.add(key);
      const mates = this.#waiting.filter((entry) => entry.key === key).slice(0, most);
      if (mates.length < most && now < this.#due(job)) continue;
      return this.#taken(mates.slice(0, powerOfTwo(mates.length)).map((mate) => mate.job));
    }
    return [];
  }

  /** The time at which the next request has waited enough; infinite if none waits. */
  get due(): number {
    return Math.min(...this.#waiting.map(({ job }) => this.#due(job)));
  }

  #due({ since }: Job): number {
    return since + (this.#batch.wait ?? 0);
  }

  #taken(jobs: readonly Job[]): readonly Job[] {
    const taken = new Set(jobs);
    const rest = this.#waiting.filter(({ job }) => !taken.has(job));
    this.#waiting.splice(0, this.#waiting.length, ...rest);
    return jobs;
  }
}

/** Returns the numbers of requests of `images` images that a run of at most `size` images may have. */
export function runSizes(size: number, images: number): readonly number[] {
  const sizes = [1];
  while (2 * sizes.at(-1)! * images <= size) sizes.push(2 * sizes.at(-1)!);
  return sizes;
}

const powerOfTwo = (count: number): number => 2 ** Math.floor(Math.log2(count));
