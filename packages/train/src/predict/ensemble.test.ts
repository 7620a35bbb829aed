import { tensor } from "@pixelcal/core";
import { expect, test } from "vitest";
import { Ensemble } from "./ensemble.js";

const images = tensor("float32", Float32Array.of(1, 2), [1, 1, 1, 2]);
const model = (...probs: number[]) => ({
  predict: async () => tensor("float32", Float32Array.from(probs), [1, 2, 1, 2]),
});

test("the probabilities of several models are averaged, those of one are its own", async () => {
  const three = new Ensemble([model(1, 0, 0, 1), model(0.5, 0.5, 0.5, 0.5), model(0, 1, 1, 0)]);
  expect([...(await three.predict(images)).data]).toEqual([0.5, 0.5, 0.5, 0.5]);
  const one = new Ensemble([model(0.9, 0.2, 0.1, 0.8)]);
  expect((await one.predict(images)).data).toEqual(Float32Array.of(0.9, 0.2, 0.1, 0.8));
  expect(() => new Ensemble([])).toThrow("models: needs at least one model");
});
