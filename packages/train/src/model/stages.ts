import { invalidArgument } from "@pixelcal/core";

/** The stages of a network by resolution: how each shrinks its input, and the kernel of its convolutions. */
export interface Stages {
  /** The stride per spatial axis of every stage but the first, 1 or 2. */
  readonly strides: readonly (readonly number[])[];
  /** The kernel size per spatial axis of every stage, the first included: 1 or 3. */
  readonly kernels: readonly (readonly number[])[];
}

/** The size below which nnU-Net does not shrink an axis. */
const least = 4;

/**
 * Returns the stages that nnU-Net chooses for patches of `size` pixels of `spacing`: every stage halves the
 * axes whose pixels are smaller than twice the smallest, until none could be halved to 4 pixels or more; an
 * axis of larger pixels has kernels of 1 until the others' pixels have grown to its own.
 */
export function stagesOf(size: readonly number[], spacing: readonly number[] = size.map(() => 1)): Stages {
  if (size.length < 1 || !size.every((n) => Number.isInteger(n) && n >= 1))
    throw invalidArgument("size", "sizes of 1 or more", size);
  if (spacing.length !== size.length || !spacing.every((mm) => mm > 0 && Number.isFinite(mm)))
    throw invalidArgument("spacing", `${size.length} positive numbers`, spacing);
  const [pixels, extent] = [[...spacing], [...size]];
  const kernel = size.map(() => 1);
  const strides: number[][] = [];
  const kernels: number[][] = [];
  for (;;) {
    const large = [...extent.keys()].filter((axis) => extent[axis]! >= 2 * least);
    const finest = Math.min(...large.map((axis) => pixels[axis]!));
    const halved = large.filter((axis) => pixels[axis]! / finest < 2);
    const [only, second] = halved;
    if (only === undefined || (second === undefined && extent[only]! < 3 * least)) break;
    const smallest = Math.min(...pixels);
    for (const axis of kernel.keys()) if (pixels[axis]! / smallest < 2) kernel[axis] = 3;
    for (const axis of halved) {
      pixels[axis]! *= 2;
      extent[axis] = Math.ceil(extent[axis]! / 2);
    }
    strides.push(size.map((_, axis) => (halved.includes(axis) ? 2 : 1)));
    kernels.push([...kernel]);
  }
  return { strides, kernels: [...kernels, size.map(() => 3)] };
}
