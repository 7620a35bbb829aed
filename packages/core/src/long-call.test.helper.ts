import { type QueueState, queueState, weightedSums, zeros } from "./index.js";

/** Settles once the state of the queue of calls is as wanted. */
export async function queueReaches(wanted: (state: QueueState) => boolean): Promise<void> {
  while (!wanted(queueState())) await new Promise(setImmediate);
}

/**
 * Starts a call that runs for seconds unless it is aborted. What a test sees while it runs doesn't depend on
 * speed: hosts take milliseconds from a thread at once.
 */
export function longCall(signal: AbortSignal): Promise<unknown> {
  const square = zeros("float64", [4096, 4096]);
  return weightedSums(square, square, { signal });
}

/** Occupies a queue of one call at a time; the returned function lets go of it. */
export async function holdQueue(): Promise<() => Promise<void>> {
  const controller = new AbortController();
  const held = longCall(controller.signal).catch(() => undefined);
  await queueReaches(({ running }) => running === 1);
  return async () => {
    controller.abort();
    await held;
  };
}
