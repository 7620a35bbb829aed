import { threadCount } from "@pixelcal/core";

type Results<T extends readonly (() => Promise<unknown>)[]> = {
  -readonly [K in keyof T]: Awaited<ReturnType<T[K]>>;
};

/**
 * Runs kernels side by side, or one after the other if kernels may use only one thread. Of several failures
 * it throws the first in the given order, so that a message does not depend on speed.
 */
export async function together<T extends readonly (() => Promise<unknown>)[]>(
  ...work: T
): Promise<Results<T>> {
  const results: unknown[] = [];
  if (threadCount() === 1) for (const run of work) results.push(await run());
  else {
    const settled = await Promise.allSettled(work.map((run) => run()));
    for (const each of settled) {
      if (each.status === "rejected") throw each.reason;
      results.push(each.value);
    }
  }
  return results as Results<T>;
}
