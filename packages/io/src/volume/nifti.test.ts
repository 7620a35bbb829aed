import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readVolume } from "./read-volume.js";
import { type NiftiFields, niftiBytes } from "./testing/nifti-bytes.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "nifti-"));
});
afterAll(() => rm(folder, { recursive: true }));

const read = (fields: NiftiFields, packed = false) =>
  readVolume(packed ? gzipSync(niftiBytes(fields)) : niftiBytes(fields), { source: "a.nii" });

async function refused(bytes: Uint8Array, source = "a.nii"): Promise<string> {
  const error = await readVolume(bytes, { source }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

const numbers = [
  ["uint8", 2, 8, Uint8Array, [0, 255]],
  ["int8", 256, 8, Int8Array, [-128, 127]],
  ["int16", 4, 16, Int16Array, [-32768, 300]],
  ["uint16", 512, 16, Uint16Array, [65535, 300]],
  ["int32", 8, 32, Int32Array, [-(2 ** 31), 70000]],
  ["uint32", 768, 32, Uint32Array, [2 ** 32 - 1, 1]],
  ["float32", 16, 32, Float32Array, [-0.5, 1e30]],
  ["float64", 64, 64, Float64Array, [-0.1, 1e300]],
  ["int64", 1024, 64, BigInt64Array, [-5n, 2n ** 62n]],
  ["uint64", 1280, 64, BigUint64Array, [5n, 2n ** 63n]],
] as const;

describe("values", () => {
  test.each(numbers)(
    "%s in both versions, byte orders, packed and not",
    async (type, datatype, bitpix, List, values) => {
      const data = (List as Float64ArrayConstructor).from(values as never);
      for (const version of [1, 2] as const)
        for (const bigEndian of [false, true])
          for (const packed of [false, true]) {
            const voxels = new Uint8Array(data.slice().buffer);
            const width = bitpix / 8;
            if (bigEndian)
              for (let i = 0; i < voxels.length; i += width) voxels.subarray(i, i + width).reverse();
            const volume = await read(
              { version, bigEndian, datatype, bitpix, dims: [2, 1, 1], voxels },
              packed,
            );
            expect(volume).toMatchObject({ format: `NIfTI-${version}`, type, shape: [2, 1, 1] });
            expect(volume.data).toEqual(data);
          }
    },
  );

  test("an array of its own, without the header, from an odd offset and behind several gzip members", async () => {
    const voxels = Uint8Array.from({ length: 2 ** 17 * 8 }, (_, i) => i * 7);
    const bytes = niftiBytes({ dims: [2 ** 9, 2 ** 8, 1], datatype: 64, bitpix: 64, voxels });
    const shifted = niftiBytes({
      dims: [2 ** 9, 2 ** 8, 1],
      datatype: 64,
      bitpix: 64,
      voxels,
      extension: "x",
      voxOffset: 357,
    });
    const members = Buffer.concat([gzipSync(bytes.subarray(0, 1000)), gzipSync(bytes.subarray(1000))]);
    const odd = Buffer.concat([shifted.subarray(0, 352), new Uint8Array(5), voxels]);
    for (const file of [members, gzipSync(odd), odd]) {
      const { data } = await readVolume(file, { source: "a.nii.gz" });
      expect(Buffer.compare(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), voxels)).toBe(0);
    }
  });

  const channelCases: readonly [string, NiftiFields, object][] = [
    [
      "4-D, class last",
      { dims: [2, 1, 1, 3] },
      { shape: [2, 1, 1], channels: 3, data: Uint8Array.of(0, 1, 2, 3, 4, 5) },
    ],
    ["5-D vector", { dims: [2, 1, 1, 1, 2], intent: 1007 }, { shape: [2, 1, 1], channels: 2 }],
    ["a fourth axis of one", { dims: [2, 2, 2, 1] }, { shape: [2, 2, 2] }],
    [
      "RGB24",
      { dims: [2, 1, 1], datatype: 128, bitpix: 24, voxels: Uint8Array.of(1, 2, 3, 4, 5, 6) },
      { channels: 3, data: Uint8Array.of(1, 4, 2, 5, 3, 6) },
    ],
    ["2-D", { dims: [2, 3] }, { shape: [2, 3], spacing: [2, 3] }],
    ["scaled", { slope: 2, inter: -1 }, { scaled: { slope: 2, inter: -1 } }],
    ["a NaN slope", { slope: Number.NaN, inter: 4 }, { scaled: undefined }],
  ];
  test.each(channelCases)("%s", async (_, fields, expected) => {
    const volume = await read(fields);
    expect({ scaled: undefined, ...volume }).toMatchObject(expected);
    if (!("channels" in expected)) expect(volume.channels).toBeUndefined();
  });

  test("names of labels in the header's extension", async () => {
    const extension =
      '<LabelTable><Label Key="1" Red="0"><![CDATA[left]]></Label><Label Key="2">a &amp; b</Label></LabelTable>';
    expect((await read({ extension })).names).toEqual(
      new Map([
        [1, "left"],
        [2, "a & b"],
      ]),
    );
  });
});

describe("pairs", () => {
  const voxels = Uint8Array.from({ length: 12 }, (_, i) => i);
  const cases = [
    ["hdr", "img", ""],
    ["hdr", "img", ".gz"],
    ["HDR", "IMG", ""],
    ["img", "hdr", ".gz"],
  ] as const;
  test.each(cases)("read by .%s beside .%s%s", async (given, other, packed) => {
    for (const version of [1, 2] as const) {
      const pack = (bytes: Uint8Array) => (packed ? gzipSync(bytes) : bytes);
      const stem = join(folder, `${given}${version}${packed}`);
      const head = niftiBytes({ version, magic: `ni${version}\0`, voxels });
      const [first, second] = given.toLowerCase() === "hdr" ? [head, voxels] : [voxels, head];
      await writeFile(`${stem}.${given}${packed}`, pack(first));
      await writeFile(`${stem}.${other}${packed}`, pack(second));
      expect((await readVolume(`${stem}.${given}${packed}`)).data).toEqual(voxels);
    }
  });

  test("without the other file, and from bytes", async () => {
    const head = niftiBytes({ magic: "ni1\0" });
    await writeFile(join(folder, "alone.hdr"), head);
    await expect(readVolume(join(folder, "alone.hdr"))).rejects.toThrow(
      /other file of the pair is missing.*alone\.img/,
    );
    expect(await refused(head)).toMatch(/in another file/);
  });
});

const lies: readonly [string, NiftiFields, RegExp][] = [
  ["no axes", { dims: [] }, /dim\[0\]: expected 1 to 7 axes, got 0 \(at byte 40\)/],
  ["eight axes", { dims: [1, 1, 1, 1, 1, 1, 1, 1] }, /dim\[0\]/],
  [
    "a negative size",
    { dims: [2, -3, 2], voxels: new Uint8Array(12) },
    /dim\[2\]: expected at least 1, got -3 \(at byte 44\)/,
  ],
  ["a size of 0", { dims: [2, 0, 2] }, /dim\[2\]/],
  [
    "overflowing sizes",
    { dims: [32767, 32767, 32767], voxels: new Uint8Array(9) },
    /exceeds the limit of 2147483647 elements/,
  ],
  ["2^62", { version: 2, dims: [2 ** 52, 1024], voxels: new Uint8Array(9) }, /exceeds the limit/],
  [
    "more voxels than bytes",
    { dims: [1000, 1000, 1000], voxels: new Uint8Array(9) },
    /ended early|cannot unpack/,
  ],
  ["vox_offset NaN", { voxOffset: Number.NaN }, /vox_offset.*got NaN \(at byte 108\)/],
  ["vox_offset infinite", { voxOffset: Number.POSITIVE_INFINITY }, /vox_offset/],
  ["vox_offset 1e9", { voxOffset: 1e9 }, /ended early|cannot unpack/],
  ["vox_offset in the header", { voxOffset: 100 }, /vox_offset.*got 100/],
  ["vox_offset with a fraction", { voxOffset: 352.5 }, /vox_offset/],
  ["a negative vox_offset", { voxOffset: -8 }, /vox_offset/],
  ["an unknown type", { datatype: 7 }, /datatype: 7 \(unknown\).*\(at byte 70\)/],
  ["complex numbers", { datatype: 32, bitpix: 64 }, /complex64/],
  ["bits of another type", { bitpix: 16 }, /bitpix: uint8 has 8 bits, the header says 16/],
  ["a NaN pixdim", { pixdim: [1, Number.NaN, 1, 1] }, /pixdim\[1\]: NaN/],
  ["a pixdim of 0", { pixdim: [1, 1, 0, 1] }, /pixdim\[2\]: 0/],
  ["a negative pixdim", { pixdim: [1, 1, 1, -2] }, /pixdim\[3\]: -2/],
  ["an infinite pixdim", { pixdim: [1, 1, 1, Number.POSITIVE_INFINITY] }, /pixdim\[3\]/],
  ["an unknown unit", { units: 5 }, /xyzt_units: 5/],
  ["time and vector axes", { dims: [1, 1, 1, 2, 2] }, /dim: \[1,1,1,2,2\]/],
  ["CIFTI-2", { dims: [1, 1, 1, 1, 2, 2], intent: 3001 }, /CIFTI-2/],
  [
    "a singular sform",
    {
      sformCode: 1,
      sform: [
        [2, 2, 0, 0],
        [0, 0, 0, 0],
        [0, 0, 4, 0],
      ],
      pixdim: [1, 2, 2, 4],
    },
    /one plane or line/,
  ],
  [
    "a NaN sform",
    {
      sformCode: 1,
      sform: [
        [Number.NaN, 0, 0, 0],
        [0, 3, 0, 0],
        [0, 0, 4, 0],
      ],
    },
    /spacing-ambiguous/,
  ],
  ["a NaN quaternion", { qformCode: 1, quaternion: [Number.NaN, 0, 0] }, /qform/],
  ["an infinite slope", { slope: Number.POSITIVE_INFINITY }, /scl_slope/],
];

describe("lies", () => {
  test.each(lies)("%s", async (_, fields, message) => {
    const bytes = niftiBytes({ voxels: new Uint8Array(12), ...fields });
    expect(await refused(bytes)).toMatch(message);
    expect(await refused(gzipSync(bytes))).toMatch(message);
  });

  const voxels = new Uint8Array(2 ** 16).map((_, i) => (i * i) >> 3);
  const whole = niftiBytes({ dims: [64, 64, 16], voxels });
  const packed = gzipSync(whole);
  const damaged = Uint8Array.from(packed);
  damaged[packed.length - 6]! ^= 1;
  const cases: readonly [string, Uint8Array, RegExp][] = [
    ["a file cut short", whole.subarray(0, 60000), /ended early.*\(at byte 60000\)/],
    ["a header cut short", whole.subarray(0, 347), /magic/],
    [
      "a NIfTI-2 header cut short",
      niftiBytes({ version: 2 }).subarray(0, 500),
      /ended early: the header has 540/,
    ],
    ["gzip cut short", packed.subarray(0, packed.length - 20), /damaged gzip stream|ended early/],
    ["a wrong gzip checksum", damaged, /damaged gzip stream/],
    [
      "bytes behind gzip",
      Buffer.concat([packed, Uint8Array.of(7, 7)]),
      /damaged gzip stream.*incorrect header check/,
    ],
    [
      "a bomb behind a small header",
      gzipSync(Buffer.concat([niftiBytes(), new Uint8Array(2 ** 23)])),
      /far more than the \d+ bytes/,
    ],
    ["no NIfTI", new Uint8Array(400), /not a NIfTI file/],
    ["gzip of nothing", gzipSync(new Uint8Array(0)), /not a NIfTI file/],
    ["nothing", new Uint8Array(0), /is empty/],
    ["another size of header", niftiBytes().fill(0, 0, 4), /sizeof_hdr.*\(at byte 0\)/],
  ];
  test.each(cases)("%s", async (_, bytes, message) => {
    expect(await refused(bytes)).toMatch(message);
  });

  test("bytes behind the voxels are noted", async () => {
    const longer = Buffer.concat([niftiBytes(), new Uint8Array(9)]);
    for (const bytes of [longer, gzipSync(longer), Buffer.concat([gzipSync(longer), new Uint8Array(512)])])
      expect((await readVolume(bytes)).notes).toContain("9 bytes behind the voxels are ignored");
  });
});

describe("geometry", () => {
  const sform = [
    [0, -3, 0, 10],
    [2, 0, 0, 20],
    [0, 0, 4, 30],
  ];
  // A turn by 90 degrees about the third axis, as a quaternion.
  const quaternion = [0, 0, Math.SQRT1_2];
  const turned = {
    spacing: [2, 3, 4],
    direction: [
      [-0, -1, 0],
      [1, -0, 0],
      [-0, -0, 1],
    ],
    origin: [-10, -20, 30],
  };
  const near = (values: readonly number[]) => values.map((value) => expect.closeTo(value, 5));
  const cases: readonly [string, NiftiFields, typeof turned][] = [
    ["sform", { sformCode: 2, sform, qformCode: 1, quaternion: [0, 0, 0] }, turned],
    ["qform without an sform", { sform, qformCode: 1, quaternion, qoffset: [10, 20, 30] }, turned],
    [
      "qform with qfac -1",
      { qformCode: 1, quaternion, qoffset: [10, 20, 30], pixdim: [-1, 2, 3, 4] },
      { ...turned, direction: [...turned.direction.slice(0, 2), [0, 0, -1]] },
    ],
    [
      "metres",
      {
        units: 1,
        sformCode: 2,
        sform: sform.map((row) => row.map((x) => x / 1000)),
        pixdim: [1, 0.002, 0.003, 0.004],
      },
      turned,
    ],
    [
      "micrometres",
      {
        units: 3,
        sformCode: 2,
        sform: sform.map((row) => row.map((x) => x * 1000)),
        pixdim: [1, 2000, 3000, 4000],
      },
      turned,
    ],
    [
      "pixdim alone",
      {},
      {
        spacing: [2, 3, 4],
        direction: [
          [-1, 0, 0],
          [0, -1, 0],
          [0, 0, 1],
        ],
        origin: [0, 0, 0],
      },
    ],
    [
      "an sform that pixdim contradicts, the qform not",
      {
        sformCode: 1,
        sform: [
          [1, 0, 0, 0],
          [0, 1, 0, 0],
          [0, 0, 1, 0],
        ],
        qformCode: 1,
        quaternion,
        qoffset: [10, 20, 30],
      },
      turned,
    ],
  ];
  test.each(cases)("%s", async (_, fields, { spacing, direction, origin }) => {
    for (const version of [1, 2] as const) {
      const volume = await read({ version, ...fields });
      expect(volume.spacing).toEqual(near(spacing));
      expect(volume.origin).toEqual(near(origin));
      expect(volume.direction).toEqual(direction.map(near));
    }
  });

  test("a left-handed matrix stays left-handed", async () => {
    const { direction } = await read({
      sformCode: 1,
      sform: [
        [-2, 0, 0, 0],
        [0, 3, 0, 0],
        [0, 0, 4, 0],
      ],
    });
    expect(direction.map((column) => column.map(Math.round))).toEqual(
      [
        [1, 0, 0],
        [0, -1, 0],
        [0, 0, 1],
      ].map((c) => c.map((x) => x + 0)),
    );
  });

  test("spacing-ambiguous, and what decides", async () => {
    const bytes = niftiBytes({
      sformCode: 1,
      sform: [
        [1, 0, 0, 5],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
      ],
    });
    expect(await refused(bytes)).toBe(
      'a.nii: spacing-ambiguous: the sform says 1 x 1 x 1, pixdim says 2 x 3 x 4; choose by spacingFrom: "sform" or "pixdim" (--spacing-from)',
    );
    expect((await readVolume(bytes, { spacingFrom: "sform" })).spacing).toEqual([1, 1, 1]);
    const chosen = await readVolume(bytes, { spacingFrom: "pixdim" });
    expect(chosen.spacing).toEqual([2, 3, 4]);
    expect(chosen.notes.join()).toMatch(/pixdim was chosen/);
  });

  test("an unknown unit is noted", async () => {
    expect(await read({ units: 0 })).toMatchObject({ units: "unknown", spacing: [2, 3, 4] });
    expect((await read({ units: 0 })).notes.join()).toMatch(/mm is assumed/);
  });
});
