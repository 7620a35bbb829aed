import { native } from "./binding.js";
import { checkInteger } from "./check.js";

/** The asynchronous calls of the process, those of its worker threads included. */
export interface QueueState {
  /** The number of calls that have not begun. */
  readonly waiting: number;
  readonly running: number;
  /** The number of calls that may run at once, see {@link setConcurrency}. */
  readonly concurrency: number;
}

/**
 * Sets how many asynchronous calls of the process run at once, from 1 to 64; default 2. Each uses up to
 * `threadCount()` threads, so more calls at once seldom finish sooner: two let a small call start while a
 * large one runs. Small calls go first, but no call is overtaken by more work than its own.
 */
export function setConcurrency(count: number): void {
  checkInteger("count", count, 1, 64);
  native.setConcurrency(count);
}

/** Returns the numbers of waiting and running calls; a service can refuse work while many wait. */
export function queueState(): QueueState {
  return native.queueState();
}
