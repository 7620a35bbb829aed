import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readVolume } from "./read-volume.js";
import { niftiBytes } from "./testing/nifti-bytes.js";
import type { Grid, Vector } from "./volume.js";
import { volumeOf } from "./volume-of.js";
import type { WritableVolume } from "./volume-writer.js";
import { writeVolume } from "./write-volume.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "write-volume-"));
});
afterAll(() => rm(folder, { recursive: true }));

const [c, s] = [Math.cos(0.3), Math.sin(0.3)];
/** Grids by name; half turns have quaternions without a real part, a sheared one has no qform. */
const grids: Readonly<Record<string, Omit<Grid, "shape">>> = {
  plain: {
    spacing: [1, 1, 1],
    origin: [0, 0, 0],
    direction: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  },
  turned: {
    spacing: [0.7, 1.1, 3.3],
    origin: [-12.5, 30.25, 1000.125],
    direction: [
      [c, s, 0],
      [-s * c, c * c, s],
      [s * s, -c * s, c],
    ],
  },
  mirrored: {
    spacing: [2, 1, 0.5],
    origin: [1, 2, 3],
    direction: [
      [0, 1, 0],
      [1, 0, 0],
      [0, 0, 1],
    ],
  },
  ...Object.fromEntries(
    [0, 1, 2].map((axis) => [
      `half turn ${axis}`,
      {
        spacing: [1, 2, 3],
        origin: [4, 5, 6],
        direction: [0, 1, 2].map((i) =>
          [0, 1, 2].map((j) => (i === j ? (i === axis ? 1 : -1) : 0)),
        ) as unknown as Vector[],
      },
    ]),
  ),
  sheared: {
    spacing: [1, Math.sqrt(1.25), 2],
    origin: [0, 0, -7],
    direction: [
      [1, 0, 0],
      [0.5 / Math.sqrt(1.25), 1 / Math.sqrt(1.25), 0],
      [0, 0, 1],
    ],
  },
};

const types = {
  uint8: Uint8Array,
  int8: Int8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;
type Type = keyof typeof types;

const shape = [3, 4, 2] as const;
function volume(type: Type, channels = 1, grid = grids.turned!): WritableVolume {
  const data = (types[type] as Float64ArrayConstructor).from({ length: 24 * channels }, (_, i) =>
    type.startsWith("f") ? i / 7 : i * 3,
  );
  return { type, data, shape, ...grid, ...(channels > 1 ? { channels } : {}) };
}

async function roundTrip(name: string, written: WritableVolume, options = {}) {
  const path = join(folder, name);
  await writeVolume(path, written, options);
  return readVolume(path);
}

const float32 = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5));
const placed = ({ shape, spacing, origin, direction }: Grid) => ({
  shape,
  spacing: float32(spacing),
  origin: origin.map((value) => expect.closeTo(value, 3)),
  direction: direction.map(float32),
});

describe("round trips", () => {
  const names = ["a.nii", "a.nii.gz", "a.nrrd", "a.seg.nrrd", "a.mha"];
  test.each(names)("%s: every type, with and without channels", async (name) => {
    for (const type of Object.keys(types) as Type[])
      for (const channels of [1, 3]) {
        const written = volume(type, channels);
        const read = await roundTrip(name, written);
        expect(read).toMatchObject({ type, ...placed(written), ...(channels > 1 ? { channels } : {}) });
        expect(read.data).toEqual(written.data);
        expect(read.units).toBe("mm");
      }
  });

  test.each(names)("%s: every grid, and int64 labels", async (name) => {
    for (const grid of Object.values(grids)) {
      const data = BigInt64Array.from({ length: 24 }, (_, i) => BigInt(i) - 5n);
      const written: WritableVolume = { type: "int64", data, shape, ...grid };
      const read = await roundTrip(name, written);
      expect(read).toMatchObject({ type: "int64", ...placed(written) });
      expect(read.data).toEqual(data);
    }
  });

  test("text headers keep every bit of the geometry", async () => {
    const written = volume("uint8");
    for (const name of ["bits.nrrd", "bits.mha"]) {
      const { origin, spacing } = await roundTrip(name, written);
      expect(origin).toEqual(written.origin);
      expect(spacing).toEqual(written.spacing.map((size) => expect.closeTo(size, 14)));
    }
  });

  test("the qform alone says the same as the sform", async () => {
    for (const [name, grid] of Object.entries(grids)) {
      const written = volume("uint8", 1, grid);
      await writeVolume(join(folder, "forms.nii"), written);
      const bytes = await readFile(join(folder, "forms.nii"));
      expect(bytes.readInt16LE(252)).toBe(name === "sheared" ? 0 : 1);
      bytes.writeInt16LE(0, 254);
      if (name !== "sheared") expect(await readVolume(bytes)).toMatchObject(placed(written));
    }
  });

  test("two axes, one axis, vectors, scaling and unknown units", async () => {
    const flat: WritableVolume = {
      ...volume("int16"),
      data: new Int16Array(12).map((_, i) => i),
      shape: [4, 3],
      spacing: [0.5, 0.25],
      direction: grids.plain!.direction.slice(0, 2),
      origin: [3, 4, 0],
    };
    for (const name of ["flat.nii", "flat.nrrd", "flat.mha"])
      expect(await roundTrip(name, flat)).toMatchObject({ ...placed(flat), data: flat.data });
    const line: WritableVolume = {
      ...flat,
      shape: [12],
      spacing: [2],
      direction: [[1, 0, 0]],
      origin: [3, 0, 0],
    };
    for (const name of ["line.nii", "line.nrrd", "line.mha"])
      expect(await roundTrip(name, line)).toMatchObject({ shape: [12], spacing: [2], data: line.data });
    const vectors = await roundTrip("v.nii", volume("float32", 2), { channelAxis: "vector" });
    expect(vectors).toMatchObject({ channels: 2, notes: [] });
    expect((await readFile(join(folder, "v.nii"))).readInt16LE(68)).toBe(1007);
    for (const name of ["s.nii.gz", "s.mha"]) {
      const scaled = { slope: 2, inter: -1024 };
      expect((await roundTrip(name, { ...volume("int16"), scaled })).scaled).toEqual(scaled);
    }
    expect((await roundTrip("u.nii", { ...volume("uint8"), units: "unknown" })).units).toBe("unknown");
  });

  test("an axis that NIfTI-1 cannot hold becomes NIfTI-2", async () => {
    const long: WritableVolume = {
      ...volume("uint8"),
      data: new Uint8Array(40000).fill(7),
      shape: [40000, 1, 1],
    };
    expect(await roundTrip("long.nii.gz", long)).toMatchObject({ format: "NIfTI-2", ...placed(long) });
  });

  test("names of labels", async () => {
    const names = new Map([
      [1, 'left & <"right"> [x]'],
      [12, "Niere"],
    ]);
    for (const name of ["n.nii.gz", "n.seg.nrrd"])
      expect((await roundTrip(name, { ...volume("uint8"), names })).names).toEqual(names);
  });

  test("PNG: 8 and 16 bits, a palette", async () => {
    for (const [type, data] of [
      ["uint8", Uint8Array.of(0, 1, 2, 255, 7, 0)],
      ["uint16", Uint16Array.of(0, 1, 256, 65535, 7, 0)],
    ] as const) {
      const flat = { ...volume("uint8"), type, data, shape: [3, 2], spacing: [1, 1] } as WritableVolume;
      const written = { ...flat, direction: flat.direction.slice(0, 2) };
      expect((await roundTrip("a.png", written)).data).toEqual(data);
      if (type === "uint8") {
        const read = await roundTrip("p.png", written, { palette: true });
        expect(read).toMatchObject({
          data,
          notes: expect.arrayContaining([expect.stringMatching(/palette/)]),
        });
      }
    }
  });
});

describe("the header of an image", () => {
  const sform = [
    [-2, 0, 0.25, 10],
    [0, 3, 0, -20],
    [0.125, 0, 4, 30.1],
  ];
  const head = {
    dims: [3, 4, 2],
    pixdim: [-1, Math.hypot(2, 0.125), 3, Math.hypot(0.25, 4)],
    qformCode: 3,
    quaternion: [0.1, 0.2, 0.3],
    qoffset: [1, 2, 3],
    sformCode: 4,
    sform,
    units: 10,
  };

  test.each([1, 2] as const)("is kept, of version %i and either byte order", async (version) => {
    for (const bigEndian of [false, true]) {
      const image = niftiBytes({ ...head, version, bigEndian, voxels: new Uint8Array(24) });
      const written = { ...(await readVolume(image)), data: new Uint8Array(24).fill(3) };
      await writeVolume(join(folder, "kept.nii.gz"), written, { image });
      await writeVolume(join(folder, "kept.nii"), written, { image });
      const kept = await readFile(join(folder, "kept.nii"));
      const plain = niftiBytes({ ...head, version, voxels: new Uint8Array(24) });
      const fields = version === 1 ? [76, 92, 252, 328, 123, 124] : [104, 136, 344, 496, 500, 504];
      for (const [from, to] of [fields.slice(0, 2), fields.slice(2, 4), fields.slice(4)])
        expect(kept.subarray(from, to)).toEqual(Buffer.from(plain.subarray(from, to)));
      expect((await readVolume(join(folder, "kept.nii.gz"))).origin).toEqual(written.origin);
    }
  });

  test("is refused on another grid, for other formats and from other files", async () => {
    const image = niftiBytes({ ...head, voxels: new Uint8Array(24) });
    const moved = volume("uint8");
    await expect(writeVolume(join(folder, "no.nii"), moved, { image })).rejects.toThrow(
      /is not the grid of image/,
    );
    await expect(writeVolume(join(folder, "no.nrrd"), moved, { image })).rejects.toThrow(
      /only NIfTI files keep/,
    );
    await expect(writeVolume(join(folder, "no.nii"), moved, { image: new Uint8Array(400) })).rejects.toThrow(
      /image is not a NIfTI file/,
    );
  });
});

test("equal volumes give equal bytes", async () => {
  for (const name of ["e.nii.gz", "e.seg.nrrd", "e.mha"]) {
    await writeVolume(join(folder, name), volume("float32", 3));
    const first = await readFile(join(folder, name));
    await writeVolume(join(folder, name), volume("float32", 3));
    expect(await readFile(join(folder, name))).toEqual(first);
  }
});

test("volumeOf takes tensors of labels and of probabilities", () => {
  const grid = { shape: [...shape], ...grids.plain! };
  const data = new Float32Array(48);
  expect(volumeOf(tensor("float32", data, [2, 2, 4, 3]), grid)).toMatchObject({ channels: 2, shape, data });
  expect(volumeOf(tensor("uint8", new Uint8Array(24), [2, 4, 3]), grid).channels).toBeUndefined();
  expect(() => volumeOf(tensor("uint8", new Uint8Array(24), [3, 4, 2]), grid)).toThrow(
    /tensor: expected shape \[2,4,3\] or \[C,2,4,3\] \(z, y, x\), got \[3, 4, 2\]/,
  );
});

const refusals: readonly [string, string, Partial<WritableVolume>, object, RegExp][] = [
  ["an unknown ending", "a.gipl", {}, {}, /path: expected a name that ends in \.nii, \.nii\.gz.*got a\.gipl/],
  [
    "float16",
    "a.nii",
    { type: "float16", data: new Uint16Array(24) },
    {},
    /NIfTI holds.*convert it to float32/,
  ],
  ["a wrong length", "a.nii", { data: new Uint8Array(23) }, {}, /volume\.data/],
  [
    "another type of data",
    "a.nii",
    { data: new Int16Array(12) },
    {},
    /volume\.data: expected 24 elements, got 12/,
  ],
  ["four axes", "a.nii", { shape: [3, 4, 2, 1] }, {}, /volume\.shape: expected 1 to 3 sizes/],
  ["no channels", "a.nii", { channels: 0 }, {}, /volume\.channels/],
  ["a spacing short", "a.nrrd", { spacing: [1, 1] }, {}, /volume\.spacing: expected 3 sizes/],
  ["a spacing of 0", "a.nrrd", { spacing: [1, 0, 1] }, {}, /positive, finite lengths/],
  [
    "axes in a plane",
    "a.mha",
    {
      direction: [
        [1, 0, 0],
        [0, 1, 0],
        [1, 1, 0],
      ],
    },
    {},
    /one plane or line/,
  ],
  ["an origin of NaN", "a.nii", { origin: [Number.NaN, 0, 0] }, {}, /origin.*not finite/],
  [
    "a name over two lines",
    "a.seg.nrrd",
    { names: new Map([[1, "a\nSegment0_ID:=x"]]) },
    {},
    /not a line of text/,
  ],
  ["a negative label", "a.seg.nrrd", { names: new Map([[-1, "a"]]) }, {}, /labels of at least 0, got -1/],
  ["a volume as PNG", "a.png", {}, {}, /PNG holds 2 axes of one channel/],
  ["a level of 0", "a.nii.gz", {}, { level: 0 }, /level: expected an integer from 1 to 9, got 0/],
  ["an unknown option", "a.nii", {}, { compression: 1 }, /compression/],
];

test.each(refusals)("%s is refused before anything is written", async (_, name, change, options, message) => {
  const before = await readdir(folder);
  await rm(join(folder, name), { force: true });
  const wrong = { ...volume("uint8"), ...change } as WritableVolume;
  const error = await writeVolume(join(folder, name), wrong, options).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).toMatch(message);
  expect((await readdir(folder)).filter((file) => !before.includes(file))).toEqual([]);
});

test("a turned 2-D MetaImage is refused, as its header has no third dimension", async () => {
  const flat: WritableVolume = {
    ...volume("uint8"),
    shape: [6, 4],
    spacing: [1, 1],
    direction: [
      [1, 0, 0],
      [0, 0, 1],
    ],
  };
  await expect(writeVolume(join(folder, "t.mha"), flat)).rejects.toThrow(/write NIfTI or NRRD/);
});

test("a volume of several pieces, in gzip, zlib and interleaved", async () => {
  const data = Uint16Array.from({ length: 2 * 2 ** 21 }, (_, i) => (i * 40503) >> 4);
  const large: WritableVolume = { ...volume("uint16"), data, shape: [256, 256, 32], channels: 2 };
  for (const name of ["l.nii.gz", "l.nrrd", "l.mha"]) {
    const read = await roundTrip(name, large, { level: 1 });
    expect(
      Buffer.compare(
        Buffer.from(read.data.buffer, read.data.byteOffset, read.data.byteLength),
        Buffer.from(data.buffer),
      ),
    ).toBe(0);
  }
});
