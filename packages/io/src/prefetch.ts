/**
 * Maps the items of a source, preparing up to `count` items while the caller works on one; keeps their order.
 * Closes the source if the caller stops early.
 */
export async function* prefetch<T, R>(
  source: AsyncIterable<T> | Iterable<T>,
  count: number,
  map: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const items = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  const waiting: Promise<IteratorResult<R>>[] = [];
  let last: Promise<unknown> = Promise.resolve();
  const request = (): void => {
    // One request at a time: a source is asked for its next item only after it gave the previous one.
    const item = last.then(() => items.next());
    last = item.catch(() => undefined);
    const mapped = item.then(
      async ({ done, value }): Promise<IteratorResult<R>> =>
        done ? { done: true, value: undefined } : { done: false, value: await map(value) },
    );
    // A failure is thrown at its turn; until then it must not count as unhandled.
    mapped.catch(() => undefined);
    waiting.push(mapped);
  };
  try {
    for (let i = 0; i < count; i++) request();
    for (;;) {
      request();
      const result = await waiting.shift()!;
      if (result.done) return;
      yield result.value;
    }
  } finally {
    await last;
    await items.return?.();
    // No work may continue in the background once the caller has stopped.
    await Promise.allSettled(waiting);
  }
}
