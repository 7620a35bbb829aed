import { tensor, zeros } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import type { PredictOptions } from "../predict.js";
import { Job } from "./job.js";
import type { BatchOptions } from "./predictor-options.js";
import { RequestQueue, runSizes } from "./request-queue.js";

/** Makes a queue of requests named by letters: equal letters have images of equal dims. */
function queueOf(letters: string, batch?: BatchOptions, options: PredictOptions = {}) {
  const queue = new RequestQueue(batch);
  const jobs = [...letters].map((letter) => {
    const job = new Job(zeros("float32", [1, 1, letter.charCodeAt(0), 2]), { options });
    queue.add(job);
    return job;
  });
  const letterOf = ({ images }: Job): string => String.fromCharCode(images.dims[2]!);
  const runs = (now: number): string[] => {
    const taken: string[] = [];
    for (let run = queue.take(now); run.length > 0; run = queue.take(now))
      taken.push(run.map(letterOf).join(""));
    return taken;
  };
  return { queue, jobs, runs };
}

const late = Number.POSITIVE_INFINITY;

describe("RequestQueue", () => {
  it.each([
    ["abab", undefined, ["a", "b", "a", "b"]],
    ["abab", { size: 1 }, ["a", "b", "a", "b"]],
    ["abab", { size: 2 }, ["aa", "bb"]],
    ["abaab", { size: 2 }, ["aa", "bb", "a"]],
    ["aaaaaaa", { size: 8 }, ["aaaa", "aa", "a"]],
    ["aaaaaaa", { size: 3 }, ["aa", "aa", "aa", "a"]],
    ["aaaaa", { size: 4 }, ["aaaa", "a"]],
    ["", { size: 4 }, []],
  ] as const)("%s in batches %j leaves as %j", (letters, batch, expected) => {
    expect(queueOf(letters, batch).runs(late)).toEqual(expected);
  });

  it("counts images, and joins only what has the same type, dims, options and scaling", () => {
    const queue = new RequestQueue({ size: 4 });
    const images = zeros("float32", [2, 1, 4, 4]);
    const bytes = tensor("uint8", new Uint8Array(32), [2, 1, 4, 4]);
    const jobs = [
      new Job(images, { options: {} }),
      new Job(bytes, { options: {}, scaling: { factor: 1 } }),
      new Job(images, { options: { flips: [0] } }),
      new Job(images, { options: {}, timeout: 9 }),
      new Job(bytes, { options: {}, scaling: { factor: 2 } }),
      new Job(images, { options: {} }),
      new Job(images, { options: {} }),
    ];
    for (const job of jobs) queue.add(job);
    const runs = jobs.map(() => queue.take(late).map((job) => jobs.indexOf(job))).filter((run) => run.length);
    expect(runs).toEqual([[0, 5], [1], [2], [3], [4], [6]]);
  });

  it("does not join requests whose images get sizes of their own", () => {
    const queue = new RequestQueue({ size: 4 });
    for (let i = 0; i < 2; i++)
      queue.add(new Job(zeros("float32", [1, 1, 4, 4]), { options: {}, separate: true }));
    expect(queue.take(late)).toHaveLength(1);
  });

  it("does not join requests in tiles, which are predicted tile by tile anyway", () => {
    expect(queueOf("aaaa", { size: 4 }, { tile: [2, 2] }).runs(late)).toEqual(["a", "a", "a", "a"]);
  });

  it("lets a run that is not full wait, and others pass it", () => {
    const { queue, jobs, runs } = queueOf("abbc", { size: 2, wait: 50 });
    const [first] = jobs;
    expect(runs(first!.since)).toEqual(["bb"]);
    expect(queue.length).toBe(2);
    expect(queue.due).toBe(first!.since + 50);
    expect(runs(first!.since + 49.9)).toEqual([]);
    expect(queue.take(first!.since + 50)).toEqual([first]);
    expect(runs(late)).toEqual(["c"]);
    expect(queue.due).toBe(late);
  });

  it("gives requests back", () => {
    const { queue, jobs, runs } = queueOf("aab", { size: 2 });
    expect(queue.remove(jobs[0]!)).toBe(true);
    expect(queue.remove(jobs[0]!)).toBe(false);
    expect(runs(late)).toEqual(["a", "b"]);
    const other = queueOf("aab");
    expect(other.queue.clear()).toEqual(other.jobs);
    expect(other.queue.length).toBe(0);
  });
});

it("a model is compiled for few numbers of images", () => {
  expect(runSizes(1, 1)).toEqual([1]);
  expect(runSizes(8, 1)).toEqual([1, 2, 4, 8]);
  expect(runSizes(9, 2)).toEqual([1, 2, 4]);
  expect(runSizes(2, 3)).toEqual([1]);
});
