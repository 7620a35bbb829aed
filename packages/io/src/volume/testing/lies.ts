import { deflateRawSync, deflateSync, gzipSync } from "node:zlib";
import { tags } from "../dicom/tags.js";
import { type DicomElements, dicomBytes, imageElements, implicitSyntax } from "./dicom-bytes.js";
import { niftiBytes } from "./nifti-bytes.js";
import { pngBytes, pngChunk } from "./png-bytes.js";
import { tiffBytes } from "./tiff-bytes.js";

/** A file that promises what it does not hold: what it lies about, the name it gets, and its bytes. */
export type Lie = readonly [about: string, file: string, bytes: Uint8Array];

const text = (...lines: readonly string[]): Uint8Array =>
  new Uint8Array(Buffer.from(`${lines.join("\n")}\n`, "latin1"));
const joined = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));
const bytes = (data: Uint8Array): Uint8Array => new Uint8Array(data);
/** The zeros of a packed bomb; a reader that unpacks them before it looks takes too much memory. */
const bombSize = 2 ** 26;

const singular = [
  [1, 0, 0, 0],
  [1, 0, 0, 0],
  [0, 0, 1, 0],
];
const spaced = (size: number): readonly number[] => [1, size, 3, 4];
const zip = (data: Uint8Array): Uint8Array => bytes(gzipSync(data));

const nifti = (): readonly Lie[] => {
  const lie = (about: string, fields: Parameters<typeof niftiBytes>[0], file = "a.nii"): Lie => [
    `NIfTI: ${about}`,
    file,
    niftiBytes(fields),
  ];
  const packed = zip(niftiBytes());
  const damaged = packed.slice();
  damaged[damaged.length - 5]! ^= 1;
  const tooLong = niftiBytes({ dims: [2048, 2048, 64], voxels: new Uint8Array(4) });
  return [
    lie("no axes", { dims: [], voxels: new Uint8Array(4) }),
    lie("eight axes", { dims: [1, 1, 1, 1, 1, 1, 1, 1], voxels: new Uint8Array(4) }),
    lie("a negative size", { dims: [3, -2, 2], voxels: new Uint8Array(4) }),
    lie("an empty axis", { dims: [3, 0, 2], voxels: new Uint8Array(4) }),
    lie("2^45 voxels", { dims: [32767, 32767, 32767], voxels: new Uint8Array(4) }),
    lie("2^105 voxels", {
      dims: [32767, 32767, 32767, 32767, 32767, 32767, 32767],
      voxels: new Uint8Array(4),
    }),
    lie("2^60 voxels of version 2", { version: 2, dims: [2 ** 50, 2 ** 10], voxels: new Uint8Array(4) }),
    lie("voxels at NaN", { voxOffset: Number.NaN }),
    lie("voxels at infinity", { voxOffset: Number.POSITIVE_INFINITY }),
    lie("voxels at 1e9", { voxOffset: 1e9 }),
    lie("voxels within the header", { voxOffset: 100 }),
    lie("voxels before the file", { voxOffset: -400 }),
    lie("an unknown type", { datatype: 999 }),
    lie("other bits than its type", { datatype: 16, bitpix: 8 }),
    lie("a spacing that is no number", { pixdim: spaced(Number.NaN), qformCode: 1 }),
    lie("an infinite spacing", { pixdim: spaced(Number.POSITIVE_INFINITY) }),
    lie("axes in one plane", { sformCode: 1, sform: singular, pixdim: [1, 1, 1, 1] }),
    lie("two spacings", {
      sformCode: 1,
      sform: [
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
      ],
      pixdim: [1, 2, 3, 4],
    }),
    lie("an infinite slope", { slope: Number.POSITIVE_INFINITY }),
    lie("fewer voxels than it declares", { voxels: new Uint8Array(3) }),
    lie("its other file", { magic: "ni1\0" }, "alone.hdr"),
    lie("its magic", { magic: "n+9\0" }),
    ["NIfTI: gzip that ends early", "a.nii.gz", packed.subarray(0, packed.length - 12)],
    ["NIfTI: gzip with a wrong checksum", "a.nii.gz", damaged],
    ["NIfTI: a bomb behind few voxels", "a.nii.gz", zip(joined(niftiBytes(), new Uint8Array(bombSize)))],
    ["NIfTI: 256 MiB of voxels in a gzip of 100 bytes", "a.nii.gz", zip(tooLong)],
  ];
};

const nrrdHead = ["NRRD0004", "type: uchar", "dimension: 3", "sizes: 3 2 2", "encoding: raw"];
const nrrd = (): readonly Lie[] => {
  const lie = (
    about: string,
    changes: Readonly<Record<string, string>>,
    data: Uint8Array = new Uint8Array(12),
  ): Lie => {
    const fields = new Map(nrrdHead.slice(1).map((line) => line.split(": ") as [string, string]));
    for (const [key, value] of Object.entries(changes)) fields.set(key, value);
    const lines = [...fields].map(([key, value]) => `${key}: ${value}`);
    return [`NRRD: ${about}`, "a.nrrd", joined(text("NRRD0004", ...lines, ""), data)];
  };
  return [
    lie("2^60 voxels", { sizes: "1048576 1048576 1048576" }),
    lie("a size beyond numbers", { sizes: "3 2 1e300" }),
    lie("a negative size", { sizes: "3 -2 2" }),
    lie("99 axes", { dimension: "99" }),
    lie("fewer sizes than axes", { sizes: "3 2" }),
    lie("an unknown type", { type: "block" }),
    lie("an unknown packing", { encoding: "bzip2" }),
    lie("no byte order", { type: "short", sizes: "3 2 1" }),
    lie("a file outside of its folder", { "data file": "../../../../etc/passwd" }),
    lie("a file of the system", { "data file": "/etc/passwd" }),
    lie("files that are not there", { "data file": "slice%03d.raw 1 9999 1" }),
    lie("a skip of 10^15 bytes", { "byte skip": "1000000000000000" }),
    lie("a skip of 10^9 lines", { "line skip": "1000000000" }),
    lie("directions that are no numbers", { space: "LPS", "space directions": "(nan,0,0) (0,1,0) (0,0,1)" }),
    lie("directions of length 0", { space: "LPS", "space directions": "(0,0,0) (0,1,0) (0,0,1)" }),
    lie("fewer voxels than it declares", {}, new Uint8Array(11)),
    lie("a bomb", { encoding: "gzip" }, zip(new Uint8Array(bombSize))),
    lie("gzip that is none", { encoding: "gzip" }),
    lie("words as numbers", { encoding: "ascii" }, text("one two three four five six seven")),
    ["NRRD: a header without end", "a.nrrd", text("NRRD0004", `content: ${"x".repeat(2 ** 21)}`)],
  ];
};

const metaImage = (): readonly Lie[] => {
  const lie = (
    about: string,
    changes: Readonly<Record<string, string>>,
    data: Uint8Array = new Uint8Array(12),
  ): Lie => {
    const fields = {
      ObjectType: "Image",
      NDims: "3",
      DimSize: "3 2 2",
      ElementType: "MET_UCHAR",
      ...changes,
    };
    const lines = Object.entries(fields).map(([key, value]) => `${key} = ${value}`);
    const last = "ElementDataFile" in changes ? [] : ["ElementDataFile = LOCAL"];
    return [`MetaImage: ${about}`, "a.mha", joined(text(...lines, ...last), data)];
  };
  return [
    lie("99 axes", { NDims: "99" }),
    lie("a negative size", { DimSize: "3 -2 2" }),
    lie("2^60 voxels", { DimSize: "1048576 1048576 1048576" }),
    lie("10^9 channels", { ElementNumberOfChannels: "1000000000" }),
    lie("an unknown type", { ElementType: "MET_STRING" }),
    lie("a spacing of 0", { ElementSpacing: "1 0 1" }),
    lie("axes in one plane", { TransformMatrix: "1 0 0 1 0 0 0 0 1" }),
    lie("a file of the system", { ElementDataFile: "/etc/passwd" }),
    lie("more packed bytes than there are", { CompressedData: "True", CompressedDataSize: "1000000000" }),
    lie("a bomb", { CompressedData: "True" }, bytes(deflateSync(new Uint8Array(bombSize)))),
    lie("fewer voxels than it declares", {}, new Uint8Array(11)),
  ];
};

const png = (): readonly Lie[] => {
  const grey = { width: 3, height: 2, depth: 8, colour: 0, rows: new Uint8Array(8) };
  const lie = (about: string, fields: Partial<Parameters<typeof pngBytes>[0]>): Lie => [
    `PNG: ${about}`,
    "a.png",
    pngBytes({ ...grey, ...fields }),
  ];
  const whole = pngBytes(grey);
  const damaged = whole.slice();
  damaged[20]! ^= 1;
  return [
    lie("2^31 pixels a row", { width: 2 ** 31 - 1, height: 2 ** 31 - 1 }),
    lie("no pixels", { width: 0 }),
    lie("3 bits", { depth: 3 }),
    lie("an unknown colour type", { colour: 5 }),
    lie("fewer rows than it declares", { rows: new Uint8Array(4) }),
    lie("a filter that does not exist", { rows: new Uint8Array(8).fill(9) }),
    lie("a bomb", { rows: new Uint8Array(bombSize) }),
    lie("a critical chunk that no one knows", { before: [pngChunk("ABCD", new Uint8Array(4))] }),
    ["PNG: a wrong checksum", "a.png", damaged],
    ["PNG: no end", "a.png", whole.subarray(0, 50)],
  ];
};

const tiff = (): readonly Lie[] => {
  const fields = { 256: [3], 257: [2], 258: [8], 259: [1], 262: [1], 277: [1], 278: [2] };
  const lie = (
    about: string,
    more: Readonly<Record<number, readonly number[]>>,
    block: Uint8Array = new Uint8Array(6),
  ): Lie => [`TIFF: ${about}`, "a.tif", tiffBytes([{ fields: { ...fields, ...more }, blocks: [block] }])];
  const loop = tiffBytes([{ fields, blocks: [new Uint8Array(6)] }]);
  const view = new DataView(loop.buffer);
  const first = view.getUint32(4, true);
  view.setUint32(first + 2 + 12 * view.getUint16(first, true), first, true);
  return [
    lie("2^31 pixels a row", { 256: [2 ** 31], 257: [2 ** 31] }),
    lie("no pixels", { 256: [0] }),
    lie("7 bits", { 258: [7] }),
    lie("JPEG", { 259: [7] }),
    lie("fewer pixels than it declares", {}, new Uint8Array(5)),
    lie("tiles of no size", { 322: [0], 323: [0] }),
    lie("a bomb", { 259: [8] }, bytes(deflateSync(new Uint8Array(bombSize)))),
    ["TIFF: pages in a circle", "a.tif", loop],
    ["TIFF: no page", "a.tif", Uint8Array.of(0x49, 0x49, 42, 0, 0, 0, 0, 0)],
    ["TIFF: a page outside of the file", "a.tif", Uint8Array.of(0x49, 0x49, 42, 0, 255, 255, 255, 127)],
  ];
};

const dicom = (): readonly Lie[] => {
  const lie = (about: string, fields: Parameters<typeof imageElements>[0], options = {}): Lie => [
    `DICOM: ${about}`,
    "a.dcm",
    dicomBytes(imageElements(fields), options),
  ];
  const whole = dicomBytes(imageElements());
  let nested: DicomElements = {};
  for (let i = 0; i < 200; i++) nested = { [tags.pixelMeasuresSequence]: ["SQ", [nested]] };
  const few = new Uint8Array(12);
  const syntax = (suffix: string) => ({ syntax: `${implicitSyntax}${suffix}` });
  const bomb = (data: Uint8Array): Uint8Array =>
    bytes(deflateRawSync(joined(data, new Uint8Array(bombSize))));
  return [
    lie("no rows", { rows: 0, pixels: few }),
    lie("10^9 frames", { frames: 1_000_000_000, pixels: few }),
    lie("65535 x 65535 pixels", { rows: 65535, columns: 65535, pixels: few }),
    lie("7 bits", { allocated: 7, stored: 7, pixels: few }),
    lie("more stored than allocated bits", { stored: 17 }),
    lie("two samples", { samples: 2 }),
    lie("an unknown transfer syntax", {}, syntax(".77")),
    lie("RLE that is none", { pixels: { fragments: [few] } }, syntax(".5")),
    lie(
      "a bomb in a deflated data set",
      { rows: 65535, columns: 65535, pixels: few },
      { ...syntax(".1.99"), pack: bomb },
    ),
    lie("no pixels", { more: { [tags.pixels]: undefined } }),
    lie("an orientation of no length", { orientation: [0, 0, 0, 0, 0, 0] }),
    lie("a spacing of 0", { more: { [tags.pixelSpacing]: ["DS", "0\\0"] } }),
    lie("nested items", { more: { [tags.sharedGroupsSequence]: ["SQ", [nested]] } }),
    ["DICOM: an end before its pixels", "a.dcm", whole.subarray(0, whole.length - 4)],
    ["DICOM: an end within its head", "a.dcm", whole.subarray(0, 150)],
    ["DICOM: a preamble alone", "a.dcm", new Uint8Array(128)],
  ];
};

const numpy = (): readonly Lie[] => {
  const lie = (about: string, header: string, data: Uint8Array = new Uint8Array(12), version = 1): Lie => {
    const padded = `${header.padEnd(117)}\n`;
    const size = version === 1 ? [padded.length & 255, padded.length >> 8] : [padded.length, 0, 0, 0];
    const start = Uint8Array.of(0x93, 78, 85, 77, 80, 89, version, 0, ...size);
    return [`NPY: ${about}`, "a.npy", joined(start, bytes(Buffer.from(padded, "latin1")), data)];
  };
  const dict = (shape: string, descr = "'|u1'"): string =>
    `{'descr': ${descr}, 'fortran_order': False, 'shape': (${shape}), }`;
  return [
    lie("a negative size", dict("-3, 4")),
    lie("2^64 elements", dict("4294967296, 4294967296")),
    lie("a size beyond numbers", dict("18446744073709551616,")),
    lie("objects", dict("3,", "'|O'")),
    lie("structures", dict("3,", "[('a', '<i4')]")),
    lie("code in its header", "__import__('os').system('true')"),
    lie("no shape", "{'descr': '|u1', 'fortran_order': False, }"),
    lie("fewer elements than it declares", dict("13,")),
    [
      "NPY: a header of 4 GiB",
      "a.npy",
      Uint8Array.of(0x93, 78, 85, 77, 80, 89, 2, 0, 0xf0, 255, 255, 255, 1, 2),
    ],
    ["NPZ: an archive that ends in its list", "a.npz", Uint8Array.of(80, 75, 3, 4, 20, 0, 0, 0)],
    ["NPZ: no archive", "a.npz", new Uint8Array(64)],
  ];
};

/** Returns the lying files of every format; large ones are made anew on each call. */
export const lies = (): readonly Lie[] => [
  ...nifti(),
  ...nrrd(),
  ...metaImage(),
  ...png(),
  ...tiff(),
  ...dicom(),
  ...numpy(),
];
