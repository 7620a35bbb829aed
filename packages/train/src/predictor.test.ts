import { InvalidArgumentError, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, it } from "vitest";
import { unet2d } from "./models/unet2d.js";
import { predict } from "./predict.js";
import { ModelPredictor } from "./predictor.js";

const model = unet2d({ classes: 3, base: 2, seed: 1 });
const image = (height: number, width: number): Tensor<"float32"> =>
  tensor(
    "float32",
    Float32Array.from({ length: height * width }, (_, i) => Math.sin(i)),
    [1, 1, height, width],
  );

describe("ModelPredictor", () => {
  it("answers many sizes at once", async () => {
    const sizes = [
      [8, 8],
      [16, 8],
      [8, 24],
      [9, 9],
      [32, 8],
      [11, 17],
      [8, 8],
    ] as const;
    const predictor = new ModelPredictor({ model, threads: 1 });
    const results = await Promise.all(
      sizes.map(([height, width]) => predictor.predict(image(height, width))),
    );
    expect(results.map(({ dims }) => dims)).toEqual(sizes.map((size) => [1, 3, ...size]));
    expect(results[6]).toEqual(results[0]);
    await predictor.close();
  });

  it("gives probabilities, whole or by tiles of a fixed size", async () => {
    const predictor = new ModelPredictor({ model, threads: 1 });
    const { data, dims } = image(20, 28);
    for (const options of [{}, { tile: [16, 16] }]) {
      const probs = await predict(predictor, tensor("float32", data, dims.slice(1)), options);
      expect(probs.dims).toEqual([3, 20, 28]);
      for (let i = 0; i < 560; i++) {
        expect(probs.data[i]! + probs.data[560 + i]! + probs.data[1120 + i]!).toBeCloseTo(1, 5);
      }
    }
    await predictor.close();
  });

  it("rejects arrays of another model and images it cannot take", async () => {
    const other = Object.fromEntries(unet2d({ classes: 2, base: 2 }).build([1, 1, 8, 8]).initializers);
    const wrong = new ModelPredictor({ model, arrays: other });
    await expect(wrong.predict(image(8, 8))).rejects.toThrow("head.weight: expected float32 [3, 2, 1, 1]");
    const predictor = new ModelPredictor({ model });
    await expect(predictor.predict(image(4, 8))).rejects.toThrow(InvalidArgumentError);
    const channels = tensor("float32", new Float32Array(128), [1, 2, 8, 8]);
    await expect(predictor.predict(channels)).rejects.toThrow("image: expected [N, 1, 8 or more, 8 or more]");
    await predictor.close();
  });
});
