import { describe, expect, it } from "vitest";
import { prefetch } from "./index.js";

const later = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describe("prefetch", () => {
  it.each([0, 1, 2, 9])("keeps the order with %i ahead", async (count) => {
    const seen: number[] = [];
    const doubled = prefetch([1, 2, 3, 4, 5], count, async (n) => {
      await later(6 - n);
      return 2 * n;
    });
    for await (const value of doubled) seen.push(value);
    expect(seen).toEqual([2, 4, 6, 8, 10]);
  });

  it("starts the next item before the one before is taken", async () => {
    const started: number[] = [];
    const items = prefetch([1, 2, 3, 4], 1, async (n) => {
      started.push(n);
      return n;
    });
    await items.next();
    await later(1);
    expect(started).toEqual([1, 2]);
  });

  it("closes its source when the caller stops, and passes errors on in their turn", async () => {
    let closed = false;
    async function* source(): AsyncGenerator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    }
    for await (const value of prefetch(source(), 2, async (n) => n)) if (value === 3) break;
    expect(closed).toBe(true);

    const failing = prefetch([1, 2, 3], 2, async (n) => {
      if (n === 2) throw new Error("two");
      return n;
    });
    expect((await failing.next()).value).toBe(1);
    await expect(failing.next()).rejects.toThrow("two");
  });
});
