import { elementCount, Random, type Tensor, tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel } from "@pixelcal/graph";
import { expect, test } from "vitest";
import { createSession } from "../runtime/session.js";
import { addCalibrator } from "./calibrator-graph.js";
import { exampleCalibrators } from "./example-calibrators.test.helper.js";

/** Smooth logits with confident and uncertain places, a constant added to all classes of a pixel. */
function logitsOf(dims: readonly number[], seed: number): Tensor<"float32"> {
  const random = Random.fromSeed(seed);
  const [, classes = 1, ...size] = dims;
  const pixels = elementCount(size);
  const data = Float32Array.from({ length: elementCount(dims) }, (_, i) => {
    const pixel = i % pixels;
    const channel = Math.floor(i / pixels) % classes;
    return 4 * Math.sin(pixel / 7 + channel) + random.normal() + Math.sin(pixel);
  });
  return tensor("float32", data, dims);
}

function graphOf(calibrator: Parameters<typeof addCalibrator>[1], dims: readonly number[]): Graph {
  const graph = new Graph("calibrator");
  graph.output("calibrated", addCalibrator(graph.input("logits", "float32", dims), calibrator));
  return graph;
}

/** Returns softmax over the classes, and the class of the first largest logit. */
function readings({ data, dims }: Tensor): { probs: Float64Array; labels: Uint8Array } {
  const [count = 1, classes = 1, ...size] = dims;
  const pixels = elementCount(size);
  const probs = new Float64Array(data.length);
  const labels = new Uint8Array(count * pixels);
  for (let n = 0; n < count; n++) {
    for (let i = 0; i < pixels; i++) {
      const at = (c: number): number => (n * classes + c) * pixels + i;
      const all = Array.from({ length: classes }, (_, c) => Number(data[at(c)]));
      const largest = Math.max(...all);
      labels[n * pixels + i] = all.indexOf(largest);
      const total = all.reduce((sum, z) => sum + Math.exp(z - largest), 0);
      for (const [c, z] of all.entries()) probs[at(c)] = Math.exp(z - largest) / total;
    }
  }
  return { probs, labels };
}

const dims2 = [3, 3, 23, 17];
const dims3 = [1, 2, 7, 9, 11];
const cases = [
  ...exampleCalibrators(3, 2).map((calibrator) => ({ title: "", calibrator, dims: dims2 })),
  ...exampleCalibrators(2, 3).map((calibrator) => ({ title: " in 3-D", calibrator, dims: dims3 })),
  ...exampleCalibrators(2, 2).map((calibrator) => ({
    title: " of one image",
    calibrator,
    dims: [1, 2, 9, 31],
  })),
  ...exampleCalibrators(3, 2, { sides: "classes", floor: true })
    .filter(({ name }) => name.startsWith("distance"))
    .map((calibrator) => ({ title: " by class, with a floor", calibrator, dims: dims2 })),
  ...exampleCalibrators(2, 3, { spacing: [3, 1, 1] })
    .filter(({ name }) => name.startsWith("distance"))
    .map((calibrator) => ({ title: " of thick slices", calibrator, dims: dims3 })),
].map((each) => ({ ...each, title: `${each.calibrator.name}${each.title}` }));

test.each(cases)("$title: the operators equal the calibrator", async ({ calibrator, dims }) => {
  const logits = logitsOf(dims, 5);
  const expected = await calibrator.apply(logits);
  const session = await createSession(graphOf(calibrator, dims), { threads: 1 });
  try {
    const { calibrated } = await session.run({ logits });
    expect(calibrated!.dims).toEqual(dims);
    const { probs, labels } = readings(calibrated!);
    let most = 0;
    for (const [i, p] of probs.entries()) most = Math.max(most, Math.abs(p - expected.data[i]!));
    expect(most).toBeLessThan(1e-5);
    if (calibrator.keepsLabels) expect(labels).toEqual(readings(logits).labels);
  } finally {
    await session.close();
  }
});

test.each(cases)("$title: the operators do not depend on batch and size", ({ calibrator, dims }) => {
  const other = dims.map((size, axis) => (axis === 1 ? size : 2 * size + 3));
  const declared = ["N", dims[1]!, ...dims.slice(2).map((_, i) => `size${i}`)];
  const bytes = [dims, other].map((each) =>
    serializeModel(graphOf(calibrator, each), { dims: { logits: declared, calibrated: declared } }),
  );
  expect(Buffer.compare(bytes[0]!, bytes[1]!)).toBe(0);
});

/** Logits whose two largest are equal or next to each other, of all sizes and signs. */
function nearlyEqual(dims: readonly number[]): Tensor<"float32"> {
  const random = Random.fromSeed(8);
  const [, classes = 1, ...size] = dims;
  const pixels = elementCount(size);
  const data = new Float32Array(elementCount(dims));
  for (let i = 0; i < data.length / classes; i++) {
    const at = (c: number): number => (Math.floor(i / pixels) * classes + c) * pixels + (i % pixels);
    const top = Math.fround((random.uniform() < 0.5 ? -1 : 1) * 10 ** (4 * random.uniform() - 3));
    for (let c = 0; c < classes; c++) data[at(c)] = top * (top > 0 ? 0.5 : 2) * random.uniform();
    const [first, second] = [0, 1].map(() => Math.floor(classes * random.uniform()));
    data[at(first!)] = top;
    // One unit in the last place away, or none.
    data[at(second!)] = top * (1 + (Math.floor(3 * random.uniform()) - 1) * 2 ** -23);
  }
  return tensor("float32", data, dims);
}

test.each(cases.filter(({ calibrator }) => calibrator.keepsLabels))(
  "$title: labels stay where logits are equal but for rounding, also behind a softmax",
  async ({ calibrator, dims }) => {
    const logits = nearlyEqual(dims);
    const { labels } = readings(logits);
    const graph = graphOf(calibrator, dims);
    graph.output("softmaxed", ops.Softmax(graph.outputs.get("calibrated")!, 1));
    const session = await createSession(graph, { threads: 1 });
    try {
      const { calibrated, softmaxed } = await session.run({ logits });
      expect(readings(calibrated!).labels).toEqual(labels);
      // Nothing mends the file's own softmax where nothing is to be changed.
      if (calibrator.name !== "none") expect(readings(softmaxed!).labels).toEqual(labels);
      expect(readings(await calibrator.apply(logits)).labels).toEqual(labels);
    } finally {
      await session.close();
    }
  },
);
