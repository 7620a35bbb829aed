/**
 * Maps the items of a source, keeping up to `count` mapped items in the making while the caller works on one; order is
 * kept. The source is closed when the caller stops early.
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
    // One request at a time: a source is not asked for its next item before it gave the one before.
    const item = last.then(() => items.next());
    last = item.catch(() => undefined);
    const mapped = item.then(
      async ({ done, value }): Promise<IteratorResult<R>> =>
        done ? { done: true, value: undefined } : { done: false, value: await map(value) },
    );
    // A failure is seen when its turn comes; until then it must not count as unhandled.
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
    // Nothing goes on in the background once the caller has stopped.
    await Promise.allSettled(waiting);
  }
}
