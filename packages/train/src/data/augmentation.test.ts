import { Random, type Tensor, tensor } from "@pixelcal/core";
import { describe, expect, test } from "vitest";
import { type Augmentation, checkAugmentation, nnunetAugmentation } from "./augmentation.js";
import type { Batch } from "./batch.js";
import type { Dataset, DatasetCase } from "./dataset-case.js";
import { Loader, type LoaderOptions } from "./loader.js";
import { drawWarp } from "./warps.js";

/** Two cases of blobs, whose image is the label as a number, or with noise on a second channel. */
function blobs(size: readonly number[], { channels = 1 } = {}): Dataset {
  const pixels = size.reduce((a, b) => a * b, 1);
  const items = [3, 4].map((period): DatasetCase => {
    const labels = Uint8Array.from({ length: pixels }, (_, i) =>
      Math.sin(i / period) + Math.cos(i / (7 * period)) > 0.3 ? 1 : 0,
    );
    const image = Float32Array.from({ length: channels * pixels }, (_, i) =>
      i < pixels ? labels[i]! : Math.sin(i) + labels[i % pixels]!,
    );
    return {
      image: tensor("float32", image, [channels, ...size]),
      labels: tensor("uint8", labels, size),
      extras: { age: tensor("float32", Float32Array.of(period), [1]) },
    };
  });
  return {
    names: ["a", "b"],
    classes: 2,
    channels,
    rank: size.length,
    read: async (index) => items[index]!,
    source: (index) => `root/train/${"ab"[index]}.npz`,
  };
}

async function epochOf(
  dataset: Dataset,
  options: Partial<LoaderOptions>,
  epoch = 0,
  skip = 0,
): Promise<Batch[]> {
  const loader = new Loader(dataset, { batchSize: 1, shuffle: true, seed: 9, ...options });
  const batches: Batch[] = [];
  for await (const batch of loader.after(epoch, skip)) batches.push(batch);
  return batches;
}

const always = { probability: 1 };
const spatial = {
  rotation: { ...always, degrees: [30] },
  scaling: { ...always, range: [0.7, 1.4] },
  elastic: { ...always, spacing: 8, deviation: 1 },
} as const satisfies Augmentation;
const intensities = {
  noise: { ...always, deviation: [0.05, 0.1] },
  blur: { ...always, sigma: [0.5, 1] },
  brightness: { ...always, range: [0.75, 1.25] },
  contrast: { ...always, range: [0.75, 1.25] },
  lowResolution: { ...always, scale: [0.5, 0.9] },
  invertedGamma: { ...always, range: [0.7, 1.5] },
  gamma: { ...always, range: [0.7, 1.5] },
} as const satisfies Augmentation;

describe("changes of geometry", () => {
  const cases: [string, readonly number[], Augmentation, LoaderOptions["patches"]][] = [
    ["whole images", [24, 17], spatial, undefined],
    ["patches", [24, 17], { ...spatial, flips: [0] }, { size: [12, 12], perEpoch: 6 }],
    [
      "volumes",
      [9, 16, 12],
      { ...spatial, rotation: { ...always, degrees: [30, 20, 10] } },
      { size: [8, 8, 8] },
    ],
  ];
  test.each(cases)("move image and labels alike: %s", async (_, size, augment, patches) => {
    const dataset = blobs(size);
    const before = (await dataset.read(0)).image.data.slice();
    for (const { images, labels } of await epochOf(dataset, { augment, patches })) {
      // Between two pixels of labels 0 and 1 the label is that of the larger share.
      for (const [i, label] of labels.data.entries())
        if (Math.abs(images.data[i]! - 0.5) > 1e-5) expect(label).toBe(images.data[i]! > 0.5 ? 1 : 0);
      expect(images.data.some((value) => value > 0.01 && value < 0.99)).toBe(true);
    }
    expect((await dataset.read(0)).image.data).toEqual(before);
  });

  test("move targets that are kept, and others are made of the moved labels", async () => {
    const targets = async ({ labels }: { labels: Tensor }): Promise<Record<string, Tensor>> => ({
      soft: tensor("float32", Float32Array.from(labels.data as Int32Array), [
        labels.dims[0]!,
        1,
        ...labels.dims.slice(1),
      ]),
      labels,
    });
    const options = { augment: spatial, targets: targets as LoaderOptions["targets"] };
    for (const batch of await epochOf(blobs([20, 20]), { ...options, targetCacheBytes: 1e9 })) {
      expect(batch.targets!.soft!.data).toEqual(batch.images.data);
      expect(batch.targets!.labels!.data).toEqual(batch.labels.data);
    }
    for (const batch of await epochOf(blobs([20, 20]), options))
      expect(batch.targets!.soft!.data).toEqual(Float32Array.from(batch.labels.data));
  });

  test("are turns in physical size, about the centre of the window", () => {
    const [spacing, size, origin] = [
      [2.5, 1, 0.8],
      [8, 20, 24],
      [3, 0, 5],
    ];
    const warp = drawWarp(
      { rotation: { ...always, degrees: [40, 40, 40] } },
      { size, origin },
      Random.fromSeed(1),
      spacing,
    )!;
    const physical = warp.matrix!.map((v, i) => (v * spacing[Math.floor(i / 3)]!) / spacing[i % 3]!);
    for (const a of [0, 1, 2])
      for (const b of [0, 1, 2]) {
        const product = [0, 1, 2].reduce((sum, k) => sum + physical[3 * a + k]! * physical[3 * b + k]!, 0);
        expect(product).toBeCloseTo(a === b ? 1 : 0, 12);
      }
    expect(physical[1]).not.toBeCloseTo(0, 3);
    const place = [0, 1, 2].map((a) =>
      size.reduce((sum, n, b) => sum + (warp.matrix![3 * a + b]! * (n - 1)) / 2, warp.offset![a]!),
    );
    for (const [axis, at] of place.entries())
      expect(at).toBeCloseTo(origin[axis]! + (size[axis]! - 1) / 2, 10);
  });

  test("scale by the factor that was drawn, on the axes asked for", () => {
    const scaling = { ...always, range: [1, 1.4], axes: [1] } as const;
    const { matrix } = drawWarp({ scaling }, { size: [8, 8], origin: [0, 0] }, Random.fromSeed(2))!;
    expect(matrix!.toSpliced(3, 1)).toEqual([1, 0, 0]);
    expect(matrix![3]).toBeLessThan(1);
    expect(matrix![3]).toBeGreaterThan(1 / 1.4);
  });

  test("happen to the share of items that is asked for", () => {
    const section = { scaling: { probability: 0.3, range: [0.7, 1.4] } } as const;
    const draws = Array.from({ length: 4000 }, (_, i) =>
      drawWarp(section, { size: [8, 8], origin: [0, 0] }, Random.fromSeed(i)),
    );
    const warped = draws.filter((warp) => warp !== undefined);
    expect(Math.abs(warped.length - 1200)).toBeLessThan(4 * Math.sqrt(4000 * 0.21));
    const larger = warped.filter(({ matrix }) => matrix![0]! < 1).length;
    expect(Math.abs(larger - warped.length / 2)).toBeLessThan(2 * Math.sqrt(warped.length));
  });
});

describe("changes of intensities", () => {
  test("leave labels and data set alone, and differ by channel", async () => {
    const dataset = blobs([16, 12], { channels: 2 });
    const before = await dataset.read(0);
    const [plain] = await epochOf(dataset, {});
    const [changed] = await epochOf(dataset, { augment: intensities });
    expect(changed!.labels).toEqual(plain!.labels);
    expect(changed!.names).toEqual(plain!.names);
    for (const channel of [0, 1]) {
      const part = (batch: Batch): Float32Array =>
        batch.images.data.subarray(192 * channel, 192 * (channel + 1));
      expect(part(changed!)).not.toEqual(part(plain!));
    }
    expect(await dataset.read(0)).toBe(before);
  });

  test.each(Object.keys(intensities) as (keyof typeof intensities)[])(
    "%s alone changes the image",
    async (name) => {
      const [plain] = await epochOf(blobs([16, 12], { channels: 2 }), {});
      const [changed] = await epochOf(blobs([16, 12], { channels: 2 }), {
        augment: { [name]: intensities[name] },
      });
      expect(changed!.images.data).not.toEqual(plain!.images.data);
      expect(changed!.images.data.every(Number.isFinite)).toBe(true);
    },
  );
});

describe("an epoch", () => {
  const augment = { ...spatial, ...intensities, flips: [0, 1] };
  const options = { augment, patches: { size: [8, 8], perEpoch: 5 } };

  test("depends on the seed and its number alone, wherever it is resumed", async () => {
    const dataset = blobs([16, 12]);
    const whole = await epochOf(dataset, options, 3);
    expect(await epochOf(dataset, options, 3)).toEqual(whole);
    expect(await epochOf(dataset, options, 3, 2)).toEqual(whole.slice(2));
    expect(await epochOf(dataset, options, 4)).not.toEqual(whole);
    expect(await epochOf(dataset, { ...options, seed: 8 }, 3)).not.toEqual(whole);
  });

  test("has the order, places and symmetries that it has without changes", async () => {
    const plain = { ...options, augment: { flips: [0, 1] } };
    const none = {
      ...options,
      augment: { flips: [0, 1], noise: { probability: 0, deviation: [0, 1] } },
    } as const;
    expect(await epochOf(blobs([16, 12]), none)).toEqual(await epochOf(blobs([16, 12]), plain));
  });
});

describe("nnU-Net's preset", () => {
  test.each([
    [[128, 128], [180], [0, 1]],
    [[64, 128], [15], [0, 1]],
    [
      [64, 64, 64],
      [30, 30, 30],
      [0, 1, 2],
    ],
    [
      [16, 128, 128],
      [180, 0, 0],
      [1, 2],
    ],
  ])("of patches [%s] turns by %s and scales the axes %s", (size, degrees, axes) => {
    const augmentation = nnunetAugmentation(size);
    expect(augmentation.rotation!.degrees).toEqual(degrees);
    expect(augmentation.scaling!.axes).toEqual(axes);
    expect(() => checkAugmentation(augmentation, size.length)).not.toThrow();
  });
});

test.each([
  [
    { rotation: { probability: 2, degrees: [1] } },
    "augment.rotation.probability: expected a share from 0 to 1, got 2",
  ],
  [
    { rotation: { probability: 1, degrees: [1, 2, 3] } },
    "augment.rotation.degrees: expected 1 angle(s) from 0 to 180",
  ],
  [{ scaling: { probability: 1, range: [1.1, 1.4] } }, "augment.scaling.range: expected two factors"],
  [
    { scaling: { probability: 1, range: [0.9, 1.4], axes: [2] } },
    "augment.scaling.axes: expected spatial axes from 0 to 1",
  ],
  [
    { elastic: { probability: 1, spacing: 1, deviation: 1 } },
    "augment.elastic.spacing: expected 2 pixels or more",
  ],
  [{ noise: { probability: 1, deviation: [2, 1] } }, "augment.noise.deviation: expected two rising numbers"],
  [{ blur: { probability: 1, sigma: [0, 200] } }, "augment.blur.sigma: expected two rising numbers"],
  [
    { lowResolution: { probability: 1, scale: [0, 1] } },
    "augment.lowResolution.scale: expected two rising shares",
  ],
  [{ gamma: { probability: 1, range: [0.5, 2], gain: 1 } }, "gain"],
  [{ sharpen: {} }, "sharpen"],
])("%j is refused", (augment, message) => {
  expect(() => checkAugmentation(augment as Augmentation, 2)).toThrow(message);
});
