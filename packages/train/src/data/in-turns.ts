import { setImmediate } from "node:timers/promises";

// Some milliseconds of work, after which the event loop has its turn.
const atOnce = 1 << 20;

/** Calls `visit` with the parts [begin, end) of [0, count) in order; the event loop turns between. */
export async function inTurns(count: number, visit: (begin: number, end: number) => void): Promise<void> {
  for (let begin = 0; begin < count; begin += atOnce) {
    if (begin > 0) await setImmediate();
    visit(begin, Math.min(count, begin + atOnce));
  }
}
