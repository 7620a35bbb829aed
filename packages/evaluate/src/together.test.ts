import { setThreadCount, threadCount } from "@pixelcal/core";
import { expect, test } from "vitest";
import { together } from "./together.js";

const later = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

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
