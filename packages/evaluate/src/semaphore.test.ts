import { expect, test } from "vitest";
import { Semaphore } from "./semaphore.js";

test("work begins in the order of the calls, no more at once than allowed, also after a failure", async () => {
  const turns = new Semaphore(2);
  const begun: number[] = [];
  const ends: (() => void)[] = [];
  const all = Array.from({ length: 5 }, (_, i) =>
    turns.run(async () => {
      begun.push(i);
      await new Promise<void>((end) => ends.push(end));
      if (i === 1) throw new Error("failed");
      return 10 * i;
    }),
  );
  const results = Promise.allSettled(all);
  for (let ended = 0; ended < 5; ended++) {
    await new Promise(setImmediate);
    expect(begun).toEqual([0, 1, 2, 3, 4].slice(0, ended + 2));
    ends[ended]!();
  }
  expect(
    (await results).map((each) => (each.status === "fulfilled" ? each.value : each.reason.message)),
  ).toEqual([0, "failed", 20, 30, 40]);
  expect(await turns.run(async () => "free again")).toBe("free again");
});
