// The networks whose training is measured, and batches for them.
import { Random, tensor } from "@pixelcal/core";
import { plainUnet, stagesOf, unet2d, unet3d } from "@pixelcal/train";

export const classes = 4;
export const networks = {
  unet2d: {
    title: "U-Net 2-D base 32, 4 x 1 x 224 x 224",
    base: 32,
    dims: [4, 1, 224, 224],
    model: () => unet2d({ channels: 1, classes, base: 32 }),
  },
  unet3d: {
    title: "U-Net 3-D base 8, 1 x 1 x 32 x 96 x 96",
    base: 8,
    dims: [1, 1, 32, 96, 96],
    model: () => unet3d({ channels: 1, classes, base: 8 }),
  },
  plain3d: {
    title: "nnU-Net's plain 3-D base 16, 2 x 1 x 40 x 56 x 32",
    base: 16,
    plain: true,
    dims: [2, 1, 40, 56, 32],
    model: () =>
      plainUnet({
        dimensions: 3,
        channels: 1,
        classes,
        base: 16,
        deepSupervision: false,
        ...stagesOf([40, 56, 32]),
      }),
  },
};

/**
 * Makes noise for images and nested ellipsoids for labels: every class is there, in regions shaped like
 * organs.
 */
export function batch(dims) {
  const random = Random.fromSeed(1);
  const [count, , ...spatial] = dims;
  const pixels = spatial.reduce((a, b) => a * b, 1);
  const images = Float32Array.from({ length: count * dims[1] * pixels }, () => random.normal());
  const labels = new Uint8Array(count * pixels);
  for (let i = 0; i < labels.length; i++) {
    let rest = i % pixels;
    let distance = 0;
    for (let axis = spatial.length - 1; axis >= 0; axis--) {
      distance += (((rest % spatial[axis]) + 0.5) / spatial[axis] - 0.5) ** 2;
      rest = Math.floor(rest / spatial[axis]);
    }
    labels[i] = Math.max(0, Math.min(classes - 1, Math.floor(classes - 9 * Math.sqrt(distance))));
  }
  return { images: tensor("float32", images, dims), labels: tensor("uint8", labels, [count, ...spatial]) };
}
