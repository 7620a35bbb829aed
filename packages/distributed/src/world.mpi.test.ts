import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { buildBinding } from "./build-binding.js";
import {
  installedMpi,
  type Job,
  mpirun as job,
  type Mpi,
  noMpi,
  siteMpi,
  valuesOf,
} from "./testing/index.js";

const program = fileURLToPath(new URL("../test/ranks.mjs", import.meta.url));

const folder = mkdtempSync(join(tmpdir(), "pixelcal-mpi-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The MPI of the tests, and the other one where both are installed side by side, as Debian names them. */
const others = ["openmpi", "mpich"].flatMap((name): Mpi[] => {
  const mpi = installedMpi(`mpirun.${name}`, `mpicxx.${name}`);
  return mpi === undefined || mpi.name === siteMpi?.name
    ? []
    : [{ ...mpi, addon: join(folder, `${name}.node`) }];
});

describe
  .skipIf(noMpi !== undefined)
  .each([
    { mpi: siteMpi, title: siteMpi?.name ?? noMpi },
    ...others.map((mpi) => ({ mpi, title: mpi.name })),
  ])(`a job of several processes: $title`, ({ mpi }) => {
  beforeAll(() => {
    if (mpi?.addon !== undefined) buildBinding({ compiler: mpi.compiler, out: mpi.addon });
  });

  /** Runs the test program; returns what each process printed, by rank. */
  const mpirun = async (
    size: number,
    args: readonly string[],
    env?: Readonly<Record<string, string>>,
  ): Promise<Job & { readonly values: readonly unknown[] }> => {
    const ended = await job(size, [program, ...args], env, mpi);
    return { ...ended, values: valuesOf(ended) };
  };

  // The start of a job costs more than its work: what three processes are asked, one job answers.
  const questions = ["identity", "weights", "overflow", "broadcast:0", "broadcast:2", "gather"];
  let answers: Promise<Job> | undefined;
  const answersTo = async (what: string): Promise<readonly unknown[]> => {
    answers ??= mpirun(3, [...questions, "allGather", "deal", "free", "closed"]);
    const { code, messages } = await answers;
    expect([code, messages]).toEqual([0, ""]);
    return valuesOf(await answers, what);
  };

  test("every process knows its rank", async () => {
    expect(await answersTo("identity")).toEqual(
      [0, 1, 2].map((rank) => [rank, 3, expect.stringContaining(mpi!.name)]),
    );
  });

  test.each([1, 2, 3, 4])(
    "%i processes sum and average in the order of ranks, in every run",
    async (size) => {
      const ops = ["allReduce:sum", "allReduce:mean"];
      const [first, second] = [await mpirun(size, ops), await mpirun(size, ops)];
      for (const op of ops) {
        const [wrong, hash] = valuesOf(first, op)[0] as [number[], string];
        expect(wrong).toEqual([]);
        expect(valuesOf(first, op)).toEqual(Array(size).fill([[], hash]));
        expect(valuesOf(second, op)).toEqual(valuesOf(first, op));
      }
    },
  );

  test("a mean has a weight for each process, and weight 0 counts nothing", async () => {
    expect(await answersTo("weights")).toEqual(Array(3).fill([2.5, true]));
  });

  test("integers that leave their range are an error in every process, and the job goes on", async () => {
    const error = ["ERR_PIXELCAL_MPI", "arrays: expected sums within the range of int32", 3];
    expect(await answersTo("overflow")).toEqual([error, error, error]);
  });

  test.each([0, 2])("arrays of any type come from process %i", async (root) => {
    expect(await answersTo(`broadcast:${root}`)).toEqual(Array(3).fill([[7, 7, 7], true, "-3"]));
  });

  test("process 0 gathers bytes of any length", async () => {
    expect(await answersTo("gather")).toEqual([[0, 100_000, 200_000], "none", "none"]);
  });

  test("all processes get the values of all", async () => {
    const all = ["", "\u00e9", "\u00e9\u00e9"].map((text, rank) => ({ rank, text }));
    expect(await answersTo("allGather")).toEqual([all, all, all]);
  });

  test("numbers are dealt out once each, fewer to a slow process", async () => {
    const values = await answersTo("deal");
    const [mine, second] = [0, 1].map((k) => (values as number[][][]).map((one) => one[k]!));
    expect(mine!.flat().sort((a, b) => a - b)).toEqual(Array.from({ length: 23 }, (_, i) => i));
    for (const own of mine!) expect(own).toEqual([...own].sort((a, b) => a - b));
    expect(mine![1]!.length).toBeLessThan(Math.max(mine![0]!.length, mine![2]!.length));
    expect(second!.flat().sort()).toEqual([0, 1, 2]);
  });

  test("a call leaves the event loop free", async () => {
    expect(await answersTo("free")).toEqual([true, true, true]);
  });

  test("a closed world refuses calls", async () => {
    const closed = ["ERR_PIXELCAL_MPI", "the world is closed"];
    expect(await answersTo("closed")).toEqual([closed, closed, closed]);
  });

  test("announced work may outlast the heartbeat", async () => {
    const { values, code } = await mpirun(2, ["works"], { PIXELCAL_HEARTBEAT: "1" });
    expect(values).toEqual(["worked", "worked"]);
    expect(code).toBe(0);
  });

  describe("ends with its last process's failure, at once", () => {
    test("abort: with the exit code that was given", async () => {
      const { code, values } = await mpirun(3, ["abort"]);
      expect(code).toBe(7);
      expect(values).toEqual([]);
    });

    test.each<[string, string[], RegExp]>([
      ["a process that throws", ["throws"], /^Error: rank 1 cannot go on/m],
      ["a process that was killed", ["dies:1"], /signal 9/],
      ["process 0, killed", ["dies:0"], /signal 9/],
      ["a process that was stopped", ["stops:1"], /pixelcal: rank 1 has not answered for 2 s; the job ends/],
      ["process 0, stopped", ["stops:0"], /pixelcal: rank 0 has not answered for 2 s; the job ends/],
      ["a process that computes forever", ["hangs:1"], /rank 1: its event loop has stood still for 2 s/],
    ])("%s", async (_, args, message) => {
      const { code, output, messages, values } = await mpirun(3, args, { PIXELCAL_HEARTBEAT: "2" });
      const all = messages + output;
      expect(all).toMatch(message);
      expect(all.split("\n").filter((line) => message.test(line)).length).toBe(1);
      expect(code).not.toBe(0);
      expect(values).toEqual([]);
    });
  });
});
