import { expect, test } from "vitest";
import { Admission } from "./admission.js";
import { Refusal } from "./refusal.js";

/** Returns a promise with the function that settles it. */
function gate(): { readonly open: () => void; readonly opened: Promise<void> } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { open, opened };
}

test("places are bounded, and a place that is left is free once", () => {
  const admission = new Admission({ concurrency: 1, queue: 1 });
  const first = admission.enter();
  admission.enter();
  try {
    admission.enter();
    expect.unreachable();
  } catch (error) {
    expect(error).toBeInstanceOf(Refusal);
    expect(error).toMatchObject({ statusCode: 503, code: "busy", retryAfter: 2 });
  }
  admission.leave(first);
  admission.leave(first);
  admission.enter();
  expect(() => admission.enter()).toThrow("2 cases are in progress or waiting");
});

test("work is done in order, no more at once than the concurrency, and after failures too", async () => {
  const admission = new Admission({ concurrency: 2, queue: 10 });
  const gates = Array.from({ length: 5 }, gate);
  const begun: number[] = [];
  const done = gates.map(({ opened }, i) =>
    admission.work(admission.enter(), async () => {
      begun.push(i);
      await opened;
      if (i === 1) throw new Error("case 1 fails");
      return i;
    }),
  );
  await Promise.resolve();
  expect(begun).toEqual([0, 1]);
  expect(admission.state).toEqual({ working: 2, waiting: 3 });
  gates[1]!.open();
  await expect(done[1]).rejects.toThrow("case 1 fails");
  expect(begun).toEqual([0, 1, 2]);
  for (const { open } of gates) open();
  expect(await Promise.all(done.filter((_, i) => i !== 1))).toEqual([0, 2, 3, 4]);
  expect(begun).toEqual([0, 1, 2, 3, 4]);
  expect(admission.state).toEqual({ working: 0, waiting: 0 });
});

test("a request that leaves while it waits is never worked on; one that is worked on keeps its place", async () => {
  const admission = new Admission({ concurrency: 1, queue: 2 });
  const { open, opened } = gate();
  const places = [admission.enter(), admission.enter(), admission.enter()] as const;
  const begun: number[] = [];
  const done = places.map((place, i) =>
    admission.work(place, async () => {
      begun.push(i);
      await opened;
    }),
  );
  admission.leave(places[0]);
  expect(() => admission.enter()).toThrow(Refusal);
  admission.leave(places[1]);
  const late = admission.enter();
  open();
  await expect(done[1]).rejects.toMatchObject({ statusCode: 499 });
  await Promise.all([done[0], done[2]]);
  expect(begun).toEqual([0, 2]);
  admission.leave(late);
  expect(admission.state).toEqual({ working: 0, waiting: 0 });
});
