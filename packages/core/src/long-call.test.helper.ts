import { expect } from "vitest";
import { type QueueState, queueState, weightedSums, zeros } from "./index.js";

/** Waits until the queue of calls is in the wanted state. */
export async function queueReaches(wanted: (state: QueueState) => boolean): Promise<void> {
  while (!wanted(queueState())) await new Promise(setImmediate);
}

/**
 * Starts a call that runs for seconds unless it is aborted. A test that looks meanwhile sees the same on a
 * host that pauses its threads for milliseconds.
 */
export function longCall(signal: AbortSignal): Promise<unknown> {
  const square = zeros("float64", [4096, 4096]);
  return weightedSums(square, square, { signal });
}

/** Fills a queue that runs one call at a time, until the returned function is called. */
export async function holdQueue(): Promise<() => Promise<void>> {
  const controller = new AbortController();
  const held = longCall(controller.signal);
  await queueReaches(({ running }) => running === 1);
  return async () => {
    controller.abort();
    await expect(held).rejects.toBe(controller.signal.reason);
  };
}
