import { portableMath, type Random } from "@pixelcal/core";
import { type Anatomy, between } from "./anatomy.js";
import { gaussianField } from "./field.js";
import { type Grid, inPixels, levelOf } from "./grid.js";
import { drawScene, signalAt, surroundings } from "./tissue.js";

const { cos, exp, sin } = portableMath;

/** The thin slices that are averaged into one thick slice. */
const thinSlices = [-0.4, -0.2, 0, 0.2, 0.4];

/**
 * Returns the image without the scanner's effects: tissue signals averaged over the slice's thickness, with
 * some texture.
 */
function tissueImage(anatomy: Anatomy, grid: Grid, random: Random): Float64Array {
  const scene = drawScene(random.split("scene"));
  const { slices, rows, columns, spacing } = grid;
  const image = new Float64Array(slices * rows * columns);
  const around = new Float64Array(rows * columns);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      around[row * columns + column] = surroundings(scene, grid.x(column), grid.y(row));
    }
  }
  const thickness = grid.single ? 8 : spacing[0];
  for (let k = 0, i = 0; k < slices; k++) {
    const levels = thinSlices.map((part) => levelOf(grid, anatomy, k, part * thickness));
    for (let row = 0; row < rows; row++) {
      for (let column = 0; column < columns; column++, i++) {
        const [x, y] = [grid.x(column), grid.y(row)];
        let sum = 0;
        for (const level of levels)
          sum += signalAt(anatomy, scene, around[row * columns + column]!, x, y, level);
        image[i] = sum / levels.length;
      }
    }
  }
  for (const length of [2.2, 7]) {
    const texture = gaussianField(
      [slices, rows, columns],
      inPixels(grid, length),
      random.split(`texture ${length}`),
    );
    const strength = between(random, 0.03, 0.07);
    for (let i = 0; i < image.length; i++) image[i]! *= 1 + strength * texture[i]!;
  }
  return image;
}

/** Draws the receiver's sensitivity: e to the power of a few long waves across the field of view. */
function drawSensitivity(random: Random): (x: number, y: number) => number {
  const waves = Array.from({ length: 4 }, () => {
    const [direction, length] = [between(random, 0, 2 * Math.PI), between(random, 140, 420)];
    const k = (2 * Math.PI) / length;
    return { kx: k * cos(direction), ky: k * sin(direction), phase: between(random, 0, 2 * Math.PI) };
  });
  const strength = between(random, 0.08, 0.2);
  return (x, y) =>
    exp(strength * waves.reduce((sum, { kx, ky, phase }) => sum + sin(kx * x + ky * y + phase), 0));
}

/**
 * Draws an image as a scanner gives it: uneven receiver sensitivity, then Rician noise (the magnitude of a
 * signal with normal noise in both channels), brought to mean 0 and variance 1 and rounded to multiples of
 * 1/256.
 */
export function drawImage(anatomy: Anatomy, grid: Grid, random: Random): Float32Array {
  const image = tissueImage(anatomy, grid, random);
  const sensitivity = drawSensitivity(random.split("sensitivity"));
  const noise = between(random, 0.02, 0.07);
  const channels = random.split("noise");
  const { rows, columns } = grid;
  let [sum, squares] = [0, 0];
  for (let i = 0; i < image.length; i++) {
    const [x, y] = [grid.x(i % columns), grid.y(Math.floor(i / columns) % rows)];
    const signal = image[i]! * sensitivity(x, y);
    const [real, imaginary] = [signal + noise * channels.normal(), noise * channels.normal()];
    const magnitude = Math.sqrt(real * real + imaginary * imaginary);
    image[i] = magnitude;
    sum += magnitude;
    squares += magnitude * magnitude;
  }
  const mean = sum / image.length;
  const deviation = Math.sqrt(squares / image.length - mean * mean);
  return Float32Array.from(image, (value) => Math.round((256 * (value - mean)) / deviation) / 256);
}
