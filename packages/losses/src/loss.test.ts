import { InvalidArgumentError, type Labels, type Tensor, tensor } from "@pixelcal/core";
import { Graph } from "@pixelcal/graph";
import { describe, expect, test } from "vitest";
import { crossEntropy } from "./cross-entropy.js";
import type { TargetContext } from "./loss.js";
import { nacl } from "./nacl.js";
import { signedDistanceCalibration } from "./signed-distance-calibration.js";

const labels = tensor("uint8", Uint8Array.of(0, 1, 1, 2, 0, 0), [1, 2, 3]);
const image = tensor("float32", new Float32Array(6), [1, 1, 2, 3]);

async function rejected(promise: Promise<unknown>): Promise<string> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(InvalidArgumentError);
  return (error as Error).message;
}

describe("targets", () => {
  test("labels of every type become int32", async () => {
    const values = [0, 1, 1, 2, 0, 0];
    const given: readonly Labels[] = [
      labels,
      tensor("int32", Int32Array.from(values), [1, 2, 3]),
      tensor("int64", BigInt64Array.from(values, BigInt), [1, 2, 3]),
    ];
    for (const one of given) {
      const targets = await crossEntropy().targets(one, { classes: 3 });
      expect(targets).toEqual({ labels: tensor("int32", Int32Array.from(values), [1, 2, 3]) });
      // int32 labels are what the step takes: they are not copied.
      expect(targets.labels === one).toBe(one.type === "int32");
    }
  });

  test.each<[string, Labels, TargetContext]>([
    ["classes: expected at least 2 classes, got 1", labels, { classes: 1 }],
    ["classes: expected at least 2 classes, got 2.5", labels, { classes: 2.5 }],
    ["labels: expected classes 0 to 1, got 2 at pixel 3 (1 such pixels)", labels, { classes: 2 }],
    [
      "labels: expected classes 0 to 1, got -1 at pixel 1 (1 such pixels)",
      tensor("int64", BigInt64Array.of(0n, -1n), [1, 2]),
      { classes: 2 },
    ],
    [
      "labels: expected classes 0 to 1, got 4294967297 at pixel 0 (1 such pixels)",
      tensor("int64", BigInt64Array.of(2n ** 32n + 1n, 0n), [1, 2]),
      { classes: 2 },
    ],
    [
      "labels: expected rank 2 to 4 ([N, ...spatial]), got 1",
      tensor("uint8", Uint8Array.of(0), [1]),
      { classes: 2 },
    ],
    [
      "labels: expected type uint8, int32 or int64, got float32",
      tensor("float32", new Float32Array(2), [1, 2]) as Tensor as Labels,
      { classes: 2 },
    ],
    [
      "labels: expected positive dimensions, got [1, 0]",
      tensor("uint8", new Uint8Array(0), [1, 0]),
      { classes: 2 },
    ],
    [
      "labels: expected 3 elements for dims [1, 3], got 2",
      { type: "uint8", data: new Uint8Array(2), dims: [1, 3] },
      { classes: 2 },
    ],
  ])("%s", async (message, given, context) => {
    expect(await rejected(crossEntropy().targets(given, context))).toBe(message);
  });

  test("an ignored label has to be named", async () => {
    const message = "labels: expected classes 0 to 1 or 255 to ignore, got 2 at pixel 3 (1 such pixels)";
    expect(await rejected(crossEntropy({ ignore: 255 }).targets(labels, { classes: 2 }))).toBe(message);
  });

  test.each([
    [nacl({ kernel: "bilateral" })],
    [nacl({ kernel: "image-l2" })],
    [signedDistanceCalibration({ kernel: "bilateral" })],
  ])("a kernel that needs an image", async (loss) => {
    expect(loss.needsImage).toBe(true);
    const message = "image: required by this loss's kernel";
    expect(await rejected(loss.targets(labels, { classes: 3 }))).toBe(message);
    const other = tensor("float32", new Float32Array(4), [1, 1, 2, 2]);
    expect(await rejected(loss.targets(labels, { classes: 3, image: other }))).toBe(
      "image: expected float32 [1, channels, 2, 3], got float32 [1, 1, 2, 2]",
    );
    expect((await loss.targets(labels, { classes: 3, image })).softLabels!.dims).toEqual([1, 3, 2, 3]);
  });
});

test("the first channel of an image guides, the others do not", async () => {
  const two = (second: number) =>
    tensor("float32", Float32Array.of(0, 1, 2, 3, 4, 5, ...new Array<number>(6).fill(second)), [1, 2, 2, 3]);
  const one = tensor("float32", Float32Array.of(0, 1, 2, 3, 4, 5), [1, 1, 2, 3]);
  const of = (given: Tensor<"float32">) =>
    nacl({ kernel: "image-l1" }).targets(labels, { classes: 3, image: given });
  expect(await of(two(7))).toEqual(await of(one));
});

test("an ignored pixel lies outside every class and moves no class's signed distance", async () => {
  const holed = tensor("uint8", Uint8Array.of(0, 0, 9, 1, 1), [1, 1, 5]);
  const loss = signedDistanceCalibration({
    preset: "consistent",
    normalize: "truncate",
    truncate: 4,
    ignore: 9,
  });
  const { signedDistance, softLabels } = await loss.targets(holed, { classes: 3 });
  expect([...(signedDistance!.data as Float32Array)].map((s) => 4 * s)).toEqual([
    ...[-2, -1, 1, 2, 3],
    ...[3, 2, 1, -1, -2],
    ...[4, 4, 4, 4, 4],
  ]);
  expect([...(softLabels!.data as Float32Array)].filter((_, i) => i % 5 === 2)).toEqual([0, 0, 0]);
});

describe("build", () => {
  const graph = new Graph("loss");
  const logits = graph.input("logits", "float32", [1, 3, 2, 3]);
  const loss = nacl();

  test.each([
    [
      "logits: expected type float32, got int32",
      () => crossEntropy().build(graph.input("i", "int32", [1, 3, 2, 3]), { labels: logits }),
    ],
    [
      "logits: expected rank 3 to 5 ([N, C, ...spatial]), got rank 2",
      () => crossEntropy().build(graph.input("r", "float32", [1, 3]), { labels: logits }),
    ],
    [
      "logits: expected at least 2 classes, got 1",
      () => crossEntropy().build(graph.input("c", "float32", [1, 1, 2]), { labels: logits }),
    ],
    [
      "targets.labels: expected int32 [1, 2, 3], got float32 [1, 3, 2, 3]",
      () => crossEntropy().build(logits, { labels: logits }),
    ],
    [
      "targets.softLabels: missing; expected float32 [1, 3, 2, 3]",
      () => loss.build(logits, { labels: graph.input("y", "int32", [1, 2, 3]) }),
    ],
  ])("%s", (message, build) => {
    expect(build).toThrow(new InvalidArgumentError(message.slice(0, message.indexOf(":")), message));
  });
});
