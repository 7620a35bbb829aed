import { elementCount, Random, type Tensor, tensor } from "@pixelcal/core";
import { Graph, ops, serializeModel } from "@pixelcal/graph";
import { expect, test } from "vitest";
import { createSession } from "../runtime/session.js";
import { exampleCalibrators } from "./example-calibrators.test.helper.js";
import { fuseCalibrator } from "./fuse.js";

const cases = [
  ...exampleCalibrators(3, 2).map((calibrator) => ({ calibrator, dims: [3, 3, 23, 17] })),
  ...exampleCalibrators(2, 3).map((calibrator) => ({ calibrator, dims: [1, 2, 7, 9, 11] })),
].map((each) => ({ ...each, title: `${each.calibrator.name} in ${each.dims.length - 2}-D` }));

/** A convolution with 1.5 in the middle, whose layout on webgpu is another than the file's. */
function scaling([, classes = 1, ...size]: readonly number[]): Tensor<"float32"> {
  const taps = 3 ** size.length;
  const data = new Float32Array(classes * classes * taps);
  for (let c = 0; c < classes; c++) data[(c * classes + c) * taps + (taps - 1) / 2] = 1.5;
  return tensor("float32", data, [classes, classes, ...size.map(() => 3)]);
}

// Sessions on webgpu are made without a way back to the processor: an operator that it lacks is an error.
test.each(cases)("$title: a model with it inside is the calibrator", async ({ calibrator, dims }) => {
  const graph = new Graph("network");
  const image = graph.input("image", "float32", dims);
  const logits = ops.Conv(image, graph.initializer("w", scaling(dims)), undefined, {
    pads: dims.slice(2).flatMap(() => [1, 1]),
  });
  graph.output("probs", ops.Softmax(logits, 1));
  const fused = fuseCalibrator(serializeModel(graph), calibrator, { dims });
  const random = Random.fromSeed(4);
  const data = Float32Array.from(
    { length: elementCount(dims) },
    (_, i) => 2 * Math.sin(i / 7) + random.normal(),
  );
  const expected = await calibrator.apply(
    tensor(
      "float32",
      data.map((z) => 1.5 * z),
      dims,
    ),
  );
  const session = await createSession(fused, { device: "webgpu" });
  try {
    const { probs } = await session.run({ image: tensor("float32", data, dims) });
    let most = 0;
    for (const [i, p] of expected.data.entries())
      most = Math.max(most, Math.abs(p - (probs!.data[i] as number)));
    expect(most).toBeLessThan(1e-5);
  } finally {
    await session.close();
  }
});
