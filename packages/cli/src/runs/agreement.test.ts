import type { Exchange } from "@pixelcal/train";
import { describe, expect, test } from "vitest";
import { agreed } from "./agreement.js";
import { versions } from "./identity.js";

/** Runs every rank's set-up in this process, as the ranks of a job that meet where values are gathered. */
async function ranks(setUps: readonly (() => Promise<unknown>)[]): Promise<readonly unknown[]> {
  const gathered: unknown[] = [];
  let meet: () => void;
  const met = new Promise<void>((resolve) => {
    meet = resolve;
  });
  const exchangeOf = (rank: number): Exchange => ({
    rank,
    size: setUps.length,
    allReduce: async () => {},
    async allGather<T>(own: T) {
      gathered[rank] = JSON.parse(JSON.stringify(own));
      if (Object.keys(gathered).length === setUps.length) meet();
      await met;
      return gathered as T[];
    },
    barrier: async () => {},
    working: (work) => work(),
  });
  const ends = setUps.map((setUp, rank) => agreed(exchangeOf(rank), setUp, async (made) => made));
  return (await Promise.allSettled(ends)).map((end) =>
    end.status === "fulfilled" ? end.value : end.reason.message,
  );
}

describe("the set-ups of a job", () => {
  const same = async (): Promise<unknown> => ({ versions: await versions(), config: { epochs: 3 } });

  test("that are the same everywhere are returned", async () => {
    expect(await ranks([same, same, same])).toEqual(Array(3).fill(await same()));
  });

  test("of another version are refused by every rank, by the name of the first", async () => {
    const now = await versions();
    const older = async (): Promise<unknown> => ({
      versions: { ...now, onnxruntime: "1.0.0" },
      config: { epochs: 3 },
    });
    const message = `rank 1 has another set-up than rank 0: versions.onnxruntime "1.0.0", not "${now.onnxruntime}"`;
    expect(await ranks([same, older, older])).toEqual(Array(3).fill(message));
  });

  test("that differ in many places show three", async () => {
    const of = (value: number) => async () => ({ a: value, b: value, c: value, d: value, e: value });
    const message = "rank 1 has another set-up than rank 0: a 2, not 1; b 2, not 1; c 2, not 1, and 2 more";
    expect(await ranks([of(1), of(2)])).toEqual([message, message]);
  });

  test("that fail on one rank fail on all, with its message", async () => {
    const fails = async (): Promise<never> => {
      throw new Error("no such file");
    };
    expect(await ranks([same, same, fails])).toEqual([
      "rank 2: no such file",
      "rank 2: no such file",
      "no such file",
    ]);
  });
});
