import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readVolume } from "./read-volume.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "mha-"));
});
afterAll(() => rm(folder, { recursive: true }));

const values = Uint8Array.from({ length: 12 }, (_, i) => i * 20);

/** Returns the bytes of a MetaImage of 3 x 2 x 2 bytes; leaves out a field set to "". */
function meta(fields: Readonly<Record<string, string>> = {}, data: Uint8Array = values): Uint8Array {
  const all: Record<string, string> = {
    ...{ ObjectType: "Image", NDims: "3", DimSize: "3 2 2", ElementType: "MET_UCHAR" },
    ...{ ElementSpacing: "2 3 4", Offset: "1 2 3", TransformMatrix: "0 1 0 -1 0 0 0 0 1" },
    ...fields,
    ElementDataFile: fields.ElementDataFile ?? "LOCAL",
  };
  const lines = Object.entries(all).filter(([key, value]) => value !== "" && key !== "ElementDataFile");
  const head = [...lines, ["ElementDataFile", all.ElementDataFile]].map(
    ([key, value]) => `${key} = ${value}\n`,
  );
  return Buffer.concat([Buffer.from(head.join("")), data]);
}

async function refused(source: string | Uint8Array): Promise<string> {
  const error = await readVolume(source, { source: "a.mha" }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(FormatError);
  return (error as FormatError).message;
}

const packed = deflateSync(values);
const cases: readonly [string, Uint8Array, object][] = [
  [
    "raw",
    meta(),
    {
      format: "MetaImage",
      type: "uint8",
      shape: [3, 2, 2],
      data: values,
      spacing: [2, 3, 4],
      origin: [1, 2, 3],
      direction: [
        [0, 1, 0],
        [-1, 0, 0],
        [0, 0, 1],
      ],
      units: "mm",
      notes: [],
    },
  ],
  [
    "zlib",
    meta({ CompressedData: "True", CompressedDataSize: `${packed.length}` }, packed),
    { data: values },
  ],
  ["zlib without its size", meta({ CompressedData: "True" }, packed), { data: values }],
  ["gzip", meta({ CompressedData: "True" }, gzipSync(values)), { data: values }],
  [
    "big-endian",
    meta({ ElementType: "MET_USHORT", DimSize: "3 2 1", BinaryDataByteOrderMSB: "True" }),
    { data: Uint16Array.from([0, 1, 2, 3, 4, 5], (i) => i * 2 * 20 * 256 + (i * 2 + 1) * 20) },
  ],
  ["text", meta({ BinaryData: "False" }, Buffer.from(values.join("\n"))), { data: values }],
  [
    "channels",
    meta({ DimSize: "3 2 1", ElementNumberOfChannels: "2" }),
    {
      channels: 2,
      shape: [3, 2, 1],
      data: Uint8Array.of(0, 40, 80, 120, 160, 200, 20, 60, 100, 140, 180, 220),
    },
  ],
  [
    "a fourth axis",
    meta({
      NDims: "4",
      DimSize: "3 2 1 2",
      ElementSpacing: "2 3 4 1",
      Offset: "1 2 3 0",
      TransformMatrix: "0 1 0 0 -1 0 0 0 0 0 1 0 0 0 0 1",
    }),
    {
      channels: 2,
      shape: [3, 2, 1],
      data: values,
      spacing: [2, 3, 4],
      direction: [
        [0, 1, 0],
        [-1, 0, 0],
        [0, 0, 1],
      ],
    },
  ],
  [
    "two axes",
    meta({ NDims: "2", DimSize: "3 4", ElementSpacing: "2 3", Offset: "1 2", TransformMatrix: "0 1 -1 0" }),
    {
      shape: [3, 4],
      spacing: [2, 3],
      direction: [
        [0, 1, 0],
        [-1, 0, 0],
      ],
    },
  ],
  [
    "a header size",
    meta({ HeaderSize: "-1" }, Buffer.concat([Buffer.from("xyz"), values])),
    { data: values },
  ],
  [
    "a scale",
    meta({ ElementToIntensityFunctionSlope: "2", ElementToIntensityFunctionOffset: "-5" }),
    { scaled: { slope: 2, inter: -5 } },
  ],
  [
    "Comment first, other names",
    Buffer.from(
      Buffer.from(meta({ Offset: "", Position: "4 5 6" }))
        .toString("latin1")
        .replace(/^/, "Comment = a = b\n"),
      "latin1",
    ),
    { origin: [4, 5, 6], data: values },
  ],
];
test.each(cases)("%s", async (_, bytes, expected) => {
  expect(await readVolume(bytes, { source: "a.mha" })).toMatchObject(expected);
});

test("detached: one file, a list, a pattern", async () => {
  await writeFile(join(folder, "a (1).raw"), values);
  await writeFile(join(folder, "a.zraw"), packed);
  for (const i of [0, 1]) await writeFile(join(folder, `s${i}.raw`), values.subarray(6 * i, 6 * i + 6));
  const none = new Uint8Array(0);
  const heads = [
    meta({ ElementDataFile: "a (1).raw" }, none),
    meta({ ElementDataFile: "a.zraw", CompressedData: "True" }, none),
    meta({ ElementDataFile: "LIST" }, Buffer.from("s0.raw\ns1.raw\n")),
    meta({ ElementDataFile: "s%d.raw 0 1 1" }, none),
  ];
  for (const [i, bytes] of heads.entries()) {
    await writeFile(join(folder, `${i}.mhd`), bytes);
    expect((await readVolume(join(folder, `${i}.mhd`))).data).toEqual(values);
  }
  await writeFile(join(folder, "out.mhd"), meta({ ElementDataFile: "../a.raw" }, none));
  expect(await refused(join(folder, "out.mhd"))).toMatch(/outside of the folder/);
});

const lies: readonly [string, Uint8Array, RegExp][] = [
  ["another object", meta({ ObjectType: "Mesh" }), /ObjectType: expected Image, got "Mesh" \(at byte 0\)/],
  ["no axes", meta({ NDims: "0" }), /NDims/],
  ["five axes", meta({ NDims: "5" }), /5 axes/],
  ["an unknown type", meta({ ElementType: "MET_OTHER" }), /ElementType: "MET_OTHER" is not read/],
  ["no type", meta({ ElementType: "" }), /ElementType: is missing/],
  ["fewer sizes", meta({ DimSize: "3 2" }), /DimSize: expected 3 numbers/],
  ["a negative size", meta({ DimSize: "3 -2 2" }), /at least 1, got -2/],
  ["huge sizes", meta({ DimSize: "100000 100000 100000" }), /exceeds the limit/],
  ["huge channels", meta({ ElementNumberOfChannels: "9999999999" }), /exceeds the limit/],
  ["more than there is", meta({ DimSize: "300 200 200" }), /ended early/],
  [
    "less than packed",
    meta({ CompressedData: "True" }, deflateSync(values.subarray(1))),
    /unpacks to 11 bytes, 12 were expected/,
  ],
  [
    "more than packed can hold",
    meta({ CompressedData: "True", DimSize: "1000 1000 1000" }, packed),
    /cannot unpack/,
  ],
  [
    "packed data cut short",
    meta({ CompressedData: "True" }, packed.subarray(0, -3)),
    /damaged zlib stream|ended early/,
  ],
  [
    "another packed size",
    meta({ CompressedData: "True", CompressedDataSize: "99999" }, packed),
    /packed bytes more were expected/,
  ],
  [
    "a negative packed size",
    meta({ CompressedData: "True", CompressedDataSize: "-4" }, packed),
    /CompressedDataSize/,
  ],
  [
    "bytes behind packed data",
    meta({ CompressedData: "True" }, Buffer.concat([packed, Uint8Array.of(1)])),
    /not packed data/,
  ],
  ["a spacing of 0", meta({ ElementSpacing: "2 0 4" }), /positive, finite lengths/],
  ["a NaN spacing", meta({ ElementSpacing: "2 nan 4" }), /positive, finite lengths/],
  ["a short matrix", meta({ TransformMatrix: "1 0 0 1" }), /expected 9 numbers, got 4/],
  ["a singular matrix", meta({ TransformMatrix: "1 0 0 1 0 0 0 0 1" }), /one plane or line/],
  ["an infinite offset", meta({ Offset: "inf 0 0" }), /not finite/],
  ["a field twice", meta({ "NDims ": "3" }), /NDims: is given twice/],
  ["neither true nor false", meta({ CompressedData: "maybe" }), /expected True or False/],
  ["no data file", Buffer.from("ObjectType = Image\nNDims = 3\n"), /ElementDataFile: is missing/],
  [
    "a line that is no field",
    Buffer.from("ObjectType = Image\nwhat\n"),
    /expected "Field = value", got "what" \(at byte 19\)/,
  ],
];
test.each(lies)("%s", async (_, bytes, message) => {
  expect(await refused(bytes)).toMatch(message);
});
