import { setThreadCount, threadCount } from "@pixelcal/core";
import { expect, test } from "vitest";
import { prefetched, together } from "./concurrency.js";

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test.each([1, 4])("gives results in order, never more than 3 under way (%i items a turn)", async (turn) => {
  let underWay = 0;
  let most = 0;
  const read = async (item: number): Promise<number> => {
    most = Math.max(most, ++underWay);
    for (let i = 0; i < (item % turn) + 1; i++) await later();
    underWay -= 1;
    return 10 * item;
  };
  const results: number[] = [];
  for await (const result of prefetched([1, 2, 3, 4, 5, 6], 2, read)) results.push(result);
  expect(results).toEqual([10, 20, 30, 40, 50, 60]);
  expect(most).toBe(3);
});

test("throws a failure in its turn and leaves nothing under way", async () => {
  const begun: number[] = [];
  const ended: number[] = [];
  const read = async (item: number): Promise<number> => {
    begun.push(item);
    await later();
    ended.push(item);
    if (item === 2) throw new Error("two");
    return item;
  };
  const results: number[] = [];
  const all = async (): Promise<void> => {
    for await (const result of prefetched([1, 2, 3, 4, 5, 6, 7, 8], 2, read)) results.push(result);
  };
  await expect(all()).rejects.toThrow("two");
  expect(results).toEqual([1]);
  expect(begun).toEqual([1, 2, 3, 4]);
  expect(ended).toEqual(begun);
});

test("stops reading when the consumer stops", async () => {
  const begun: number[] = [];
  const read = async (item: number): Promise<number> => {
    begun.push(item);
    return item;
  };
  for await (const item of prefetched([1, 2, 3, 4, 5], 1, read)) if (item === 1) break;
  expect(begun).toEqual([1, 2]);
});

test.each([1, 2])("fails as the first that fails in order, on %i threads", async (threads) => {
  const before = threadCount();
  setThreadCount(threads);
  try {
    expect(
      await together(
        async () => 1,
        async () => "b",
      ),
    ).toEqual([1, "b"]);
    const slow = async (): Promise<void> => {
      await later();
      throw new Error("slow");
    };
    const quick = async (): Promise<void> => {
      throw new Error("quick");
    };
    await expect(together(slow, quick)).rejects.toThrow("slow");
  } finally {
    setThreadCount(before);
  }
});
