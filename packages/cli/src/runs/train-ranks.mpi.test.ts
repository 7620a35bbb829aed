import { cpSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { type Job, mpirun, noMpi, siteMpi, valuesOf } from "@pixelcal/distributed/testing";
import { describe, expect, test } from "vitest";
import { pixelcal } from "../run.test.helper.js";
import { at, data, toyData, writeConfig } from "../toy.test.helper.js";

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const program = file("../../test/ranks.mjs");
const command = file("../../dist/main.js");

describe.skipIf(noMpi !== undefined)(`a training of several processes${noMpi ? `: ${noMpi}` : ""}`, () => {
  // The start of a job costs more than its work: each number of ranks has one for all that it is asked.
  const asked: Record<number, readonly [string, ...string[]]> = {
    1: ["gradients"],
    2: ["gradients", "curve", "diverges", "refuses"],
    3: ["gradients", "options", "statistics"],
    4: ["gradients"],
  };
  const jobs = new Map<number, Promise<Job>>();
  const values = async (size: number, what: string): Promise<readonly unknown[]> => {
    const job = jobs.get(size) ?? mpirun(size, [program, ...asked[size]!]);
    jobs.set(size, job);
    return valuesOf(await job, what);
  };

  test.each([1, 2, 3, 4])("%i ranks have the gradients of one process, from uneven shares", async (size) => {
    const found = await values(size, "gradients");
    expect(found).toHaveLength(size);
    for (const difference of found) expect(difference).toBeLessThan(1e-6);
  });

  test("clipping, accumulation and averages of weights see the whole batch", async () => {
    for (const all of await values(3, "options")) {
      const [clipped, accumulated, averaged] = all as [number, number, number, boolean][];
      for (const [weights, loss, norm] of [clipped!, accumulated!, averaged!]) {
        expect(weights).toBeLessThan(1e-4);
        expect(loss).toBeLessThan(1e-5);
        expect(norm).toBeLessThan(1e-4);
      }
      expect([clipped![3], accumulated![3]]).toEqual([false, true]);
    }
  });

  test("20 steps follow the losses of one process", async () => {
    for (const difference of await values(2, "curve")) expect(difference).toBeLessThan(1e-4);
  });

  test("running statistics are averaged by images", async () => {
    for (const [difference, moved] of (await values(3, "statistics")) as [number, number][]) {
      expect(difference).toBeLessThan(1e-6);
      expect(moved).toBeGreaterThan(1e-3);
    }
  });

  test("a loss that is not finite on one rank is the error of all", async () => {
    const message = "ERR_PIXELCAL_DIVERGED: training diverged: the loss is NaN after 0 updates";
    expect(await values(2, "diverges")).toEqual([message, message]);
  });

  test("a batch without shares is refused", async () => {
    const message = "batch.shares: expected the numbers of images of 2 ranks, got undefined";
    expect(await values(2, "refuses")).toEqual([message, message]);
  });

  describe("pixelcal train", () => {
    toyData();

    /** Trains a configuration into the folder `out`. */
    const train = async (
      size: number,
      out: string,
      changes: Record<string, unknown> = {},
      args: readonly string[] = [],
    ): Promise<Job> => {
      const path = await writeConfig(`${out}.json`, {
        batch_size: 3,
        scheduler: { type: "none" },
        ...changes,
      });
      return mpirun(size, [command, "train", "--config", path, "--out", at(out), ...args]);
    };
    const bytes = (out: string, name: string): Buffer => readFileSync(at(out, "toy", name));

    test("of one process writes the bytes of a run without a launcher, of two others", async () => {
      const all = [await train(1, "one"), await train(2, "two")];
      for (const { code, messages } of all) expect([code, messages]).toEqual([0, expect.any(String)]);
      expect((await pixelcal(["train", "--config", at("one.json"), "--out", at("none")])).code).toBe(0);
      for (const name of ["best.safetensors", "last.safetensors", "model.onnx", "log.csv"]) {
        expect(bytes("one", name)).toEqual(bytes("none", name));
        expect(bytes("two", name)).not.toEqual(bytes("one", name));
      }
      // One process speaks and writes for all.
      expect(all[1]!.output.split("\n").filter((line) => line.includes("best epoch"))).toHaveLength(1);
      expect(all[1]!.messages.split("\n").filter((line) => line.startsWith("epoch"))).toHaveLength(3);
      expect(all[1]!.messages).toMatch(/^2 ranks, (Open MPI|MPICH)/m);
      expect(readdirSync(at("two", "toy"))).toEqual(readdirSync(at("none", "toy")));
    });

    test("stopped and resumed, gives the uninterrupted run's bytes", async () => {
      expect((await train(2, "part", { epochs: 2 })).code).toBe(0);
      cpSync(at("part"), at("other-ranks"), { recursive: true });
      expect((await train(2, "part", {}, ["--resume"])).code).toBe(0);
      for (const name of ["best.safetensors", "last.safetensors", "model.onnx", "log.csv"])
        expect(bytes("part", name)).toEqual(bytes("two", name));
    });

    test("trains several networks, each as alone, and says the scores of their mean once", async () => {
      const { code, output, messages } = await train(2, "several", { members: 2 });
      expect(code, messages).toBe(0);
      expect(bytes("several", "member_1/log.csv")).toEqual(bytes("two", "log.csv"));
      expect(readdirSync(at("several", "toy")).sort()).toEqual([
        "config.json",
        "member_1",
        "member_2",
        "model.onnx",
      ]);
      expect(output.match(/mean of 2 networks, validation Dice/g)).toHaveLength(1);
    });

    test("resumes with another number of ranks, and says so", async () => {
      const { code, messages } = await train(3, "other-ranks", {}, ["--resume"]);
      expect(messages).toContain("resumed under other conditions: ranks: checkpoint 2, now 3");
      expect(code).toBe(0);
    });

    test.each<[string, number, Record<string, unknown>, RegExp, number]>([
      [
        "more ranks than cases in a batch",
        4,
        {},
        /batch_size: expected 4 or more, a case for each rank, got batches of 3/,
        2,
      ],
      ["data that is not there", 2, { dataset: { root: "/nowhere" } }, /\/nowhere/, 2],
      [
        "a device that does not share",
        2,
        { device: "webgpu" },
        /device: webgpu trains in one process; expected cpu or cuda/,
        2,
      ],
    ])("refuses %s before the first step, once", async (_, size, changes, message, exit) => {
      const { code, messages } = await train(size, "refused", changes);
      expect(messages.split("\n").filter((line) => message.test(line))).toHaveLength(1);
      expect(code).toBe(exit);
      expect(() => readdirSync(at("refused"))).toThrow("ENOENT");
    });

    test.each<[string, () => string, RegExp]>([
      [
        "data",
        () => {
          cpSync(data, at("other"), { recursive: true });
          rmSync(at("other", "train", readdirSync(at("other", "train"))[0]!));
          return `"--data", first ? "${data}" : "${at("other")}"`;
        },
        /error: rank 1 has another set-up than rank 0: config.dataset.root .*; data.train.cases 4, not 5/,
      ],
      [
        "configuration",
        () => '"--epochs", first ? "3" : "4"',
        /error: rank 1 has another set-up than rank 0: config.epochs 4, not 3/,
      ],
    ])("refuses processes with other %s, naming the rank", async (_, options, message) => {
      const byRank = at("by-rank.mjs");
      await writeFile(
        byRank,
        `const first = (process.env.OMPI_COMM_WORLD_RANK ?? process.env.PMI_RANK) !== "1";
         process.argv.push(${options()});
         await import(${JSON.stringify(command)});`,
      );
      const path = await writeConfig("c.json", { batch_size: 3 });
      const { code, messages } = await mpirun(2, [
        byRank,
        ...["train", "--config", path, "--out", at("refused")],
      ]);
      expect(messages).toMatch(message);
      expect(code).toBe(1);
    });

    test("says once that the binding is missing", async () => {
      const args = [command, "train", "--config", await writeConfig("c.json")] as const;
      const { code, messages } = await mpirun(2, args, { PIXELCAL_MPI_ADDON: "/nowhere" });
      // MPICH's launcher lets the others run on after a process that leaves before MPI starts.
      const times = siteMpi?.name === "MPICH" ? 2 : 1;
      expect(messages.match(/no MPI binding/g)).toHaveLength(times);
      expect(code).toBe(1);
    });
  });
});
