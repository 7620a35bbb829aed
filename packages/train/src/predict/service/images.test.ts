import { InvalidArgumentError, tensor } from "@pixelcal/core";
import { float16ToFloat32 } from "@pixelcal/io";
import { expect, it } from "vitest";
import { checkImages, imageBytes, type PixelScaling, toFloat32 } from "./images.js";

const dims = [2, 3, 5, 7];
const pixels = Uint8Array.from({ length: 210 }, (_, i) => (i * 37) % 256);

const scalings: readonly PixelScaling[] = [
  { factor: 1 },
  { factor: 1 / 255 },
  { factor: 2, offset: -3.5 },
  { factor: [0.1, 0.25, -7], offset: 1 },
  { factor: 1 / 58, offset: [-2.1, 0, 1e-3] },
];

it.each(scalings)("scales uint8 pixels by %j, channel by channel", (scaling) => {
  const scaled = toFloat32(pixels.slice(), "uint8", dims, scaling);
  const { factor, offset = 0 } = scaling;
  for (let n = 0; n < 2; n++)
    for (let c = 0; c < 3; c++)
      for (let i = 0; i < 35; i++) {
        const at = (n * 3 + c) * 35 + i;
        const a = typeof factor === "number" ? factor : factor[c]!;
        const b = typeof offset === "number" ? offset : offset[c]!;
        expect(scaled[at]).toBe(Math.fround(a * pixels[at]! + b));
      }
});

it("takes float32 as it is and widens float16 exactly", () => {
  const values = Float32Array.from({ length: 210 }, (_, i) => Math.sin(i));
  const bytes = new Uint8Array(values.buffer.slice(0));
  expect(toFloat32(bytes, "float32", dims)).toEqual(values);
  const bits = Uint16Array.from({ length: 210 }, (_, i) => i * 312);
  expect(toFloat32(new Uint8Array(bits.buffer), "float16", dims)).toEqual(float16ToFloat32(bits));
  expect(["float32", "float16", "uint8"].map((type) => imageBytes(type as "uint8", dims))).toEqual([
    840, 420, 210,
  ]);
});

it("refuses uint8 images whose scaling is missing or of other channels", () => {
  const images = tensor("uint8", pixels, dims);
  const wrong: readonly [PixelScaling | undefined, string][] = [
    [undefined, "scaling: required by uint8 images: { factor: 1 / 255 } for values of 0 to 1"],
    [{ factor: [1, 2] }, "scaling.factor: expected one number per channel, 3, got [1, 2]"],
    [{ factor: 1, offset: [1] }, "scaling.offset: expected one number per channel, 3, got [1]"],
  ];
  for (const [scaling, message] of wrong) {
    expect(() => checkImages(images, scaling)).toThrow(InvalidArgumentError);
    expect(() => checkImages(images, scaling)).toThrow(message);
  }
  for (const scaling of scalings) checkImages(images, scaling);
  expect(() => checkImages(tensor("int16" as "uint8", new Int16Array(210) as never, dims))).toThrow(
    "images: expected type float32 or float16 or uint8, got int16",
  );
});
