import { setImmediate as nextTurn } from "node:timers/promises";
import type { Tensor } from "@pixelcal/core";

/** Work on the main thread in steps of a millisecond or so, each of which ends with a `yield`. */
export type Steps<R = void> = Generator<void, R>;

/** The number of bytes, or of elements that are converted one by one, of a step. */
export const stepBytes: number = 2 ** 20;
export const stepElements: number = 2 ** 16;

/**
 * Does the work with a turn of the event loop after each step; throws a signal's reason once it is aborted.
 */
export async function byTurns<R>(steps: Steps<R>, signal?: AbortSignal): Promise<R> {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
    await nextTurn();
    signal?.throwIfAborted();
  }
}

/** Yields the items; throws a signal's reason before the next of them once it is aborted. */
export function* untilAborted<T>(items: Iterable<T>, signal?: AbortSignal): Generator<T> {
  for (const item of items) {
    signal?.throwIfAborted();
    yield item;
  }
}

/** Does the work at once. */
export function atOnce<R>(steps: Steps<R>): R {
  for (;;) {
    const { done, value } = steps.next();
    if (done) return value;
  }
}

/** Copies bytes. */
export function* copySteps(from: Uint8Array, to: Uint8Array): Steps {
  for (let at = 0; at < from.length; at += stepBytes) {
    if (at > 0) yield;
    to.set(from.subarray(at, at + stepBytes), at);
  }
}

/** Hands an array to `put` part by part, each with its offset. */
export function* convertSteps(
  data: Tensor["data"],
  put: (values: Tensor["data"], at: number) => void,
): Steps {
  for (let at = 0; at < data.length; at += stepElements) {
    if (at > 0) yield;
    put(data.subarray(at, at + stepElements), at);
  }
}
