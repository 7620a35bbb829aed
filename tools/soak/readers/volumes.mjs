// Medical volumes: from bytes and, in one of eight cases, from a file. Seeds are made here, field by field.
// What a reader accepts is decoded once more, and the values must be equal.
import { deflateSync, gzipSync } from "node:zlib";
import { io } from "../dist.mjs";
import { concat, mutated } from "../mutate.mjs";
import { metaImageOracle, niftiOracle, nrrdOracle } from "../oracles/headers.mjs";
import { judged } from "../oracles/judge.mjs";
import { pngOracle, tiffOracle } from "../oracles/pictures.mjs";
import { scratch } from "./scratch.mjs";

const made = (file) =>
  import(new URL(`../../../packages/io/dist/volume/testing/${file}.js`, import.meta.url).href);
const { niftiBytes } = await made("nifti-bytes");
const { pngBytes, pngChunk } = await made("png-bytes");

const { tiffBytes } = await made("tiff-bytes");

const ramp = (length) => Uint8Array.from({ length }, (_, i) => (i * 37) & 255);
const bytesOf = (text) => new Uint8Array(Buffer.from(text, "latin1"));

const read = (name) => (bytes) =>
  bytes.length % 8 === 0
    ? io.readVolume(scratch(name, bytes))
    : io.readVolume(bytes, { source: name, spacingFrom: bytes.length % 3 === 0 ? "pixdim" : undefined });

/** Changes the unpacked bytes and packs them again, so that not all damage ends at a checksum. */
const behindGzip = (seed, random, seeds) =>
  random.oneIn(6)
    ? mutated(gzipSync(seed), random, seeds)
    : new Uint8Array(gzipSync(mutated(seed, random, seeds)));

const sform = [
  [2, 0, 0, 5],
  [0, 3, 0, 6],
  [0, 0, 4, 7],
];
const nifti = [
  niftiBytes(),
  niftiBytes({ version: 2, dims: [3, 2, 2, 2], sformCode: 1, sform }),
  niftiBytes({ bigEndian: true, datatype: 16, bitpix: 32, dims: [2, 3, 1], voxels: ramp(24), qformCode: 1 }),
  niftiBytes({ datatype: 128, bitpix: 24, voxels: ramp(36), units: 3 }),
  niftiBytes({ dims: [2, 1, 1, 1, 3], intent: 1007, extension: '<Label Key="1">a</Label>' }),
  niftiBytes({ magic: "ni1\0" }),
];

export const niftiTarget = {
  name: "nifti",
  kind: "volume",
  share: 0.04,
  rate: 2500,
  make: (random) => {
    const seed = random.pick(nifti);
    return random.oneIn(3) ? behindGzip(seed, random, nifti) : mutated(seed, random, nifti);
  },
  run: judged(read("a.nii"), niftiOracle),
};

const header = (lines) => bytesOf(`${lines.join("\n")}\n`);
const nrrdHead = ["NRRD0004", "type: uchar", "dimension: 3", "sizes: 3 2 2"];
const oriented = ["space: RAS", "space directions: (1,0,0) (0,2,0) (0,0,3)", "space origin: (1,2,3)"];
const nrrd = [
  concat(header([...nrrdHead, ...oriented, "encoding: raw", ""]), ramp(12)),
  concat(header([...nrrdHead, "encoding: gzip", "byte skip: 2", ""]), new Uint8Array(gzipSync(ramp(14)))),
  concat(header([...nrrdHead, "encoding: ascii", "spacings: 1 2 nan", ""]), bytesOf([...ramp(12)].join(" "))),
  concat(
    header([...nrrdHead, "encoding: hex", "Segment0_LabelValue:=1", "Segment0_Name:=a", ""]),
    bytesOf("07".repeat(12)),
  ),
  concat(
    header([
      "NRRD0005",
      "type: short",
      "dimension: 4",
      "sizes: 2 3 1 1",
      "kinds: vector domain domain domain",
      "endian: big",
      "encoding: raw",
      "line skip: 1",
      "",
    ]),
    bytesOf("x\n"),
    ramp(12),
  ),
  header([...nrrdHead, "encoding: raw", "data file: LIST", "a.raw", "b.raw"]),
];

export const nrrdTarget = {
  name: "nrrd",
  kind: "volume",
  share: 0.04,
  rate: 2500,
  make: (random) => mutated(random.pick(nrrd), random, nrrd),
  run: judged(read("a.nrrd"), nrrdOracle),
};

const metaHead = ["ObjectType = Image", "NDims = 3", "DimSize = 3 2 2", "ElementType = MET_UCHAR"];
const placed = ["ElementSpacing = 1 2 3", "Offset = 1 2 3", "TransformMatrix = 1 0 0 0 1 0 0 0 1"];
const local = "ElementDataFile = LOCAL";
const meta = [
  concat(header([...metaHead, ...placed, local]), ramp(12)),
  concat(header([...metaHead, "CompressedData = True", local]), new Uint8Array(deflateSync(ramp(12)))),
  concat(header([...metaHead, "BinaryData = False", local]), bytesOf([...ramp(12)].join(" "))),
  concat(header([...metaHead, "ElementNumberOfChannels = 2", "HeaderSize = -1", local]), ramp(24)),
  header([...metaHead, "ElementDataFile = a%02d.raw 1 4 1"]),
];

export const metaImageTarget = {
  name: "metaimage",
  kind: "volume",
  share: 0.03,
  rate: 2500,
  make: (random) => mutated(random.pick(meta), random, meta),
  run: judged(read("a.mha"), metaImageOracle),
};

const png = [
  pngBytes({ width: 3, height: 2, depth: 8, colour: 0, rows: Uint8Array.of(1, 1, 2, 3, 4, 4, 5, 6) }),
  pngBytes({
    width: 9,
    height: 3,
    depth: 4,
    colour: 3,
    rows: ramp(18).map((byte, i) => (i % 6 === 0 ? 2 : byte)),
  }),
  pngBytes({ width: 5, height: 5, depth: 1, colour: 0, interlace: 1, rows: new Uint8Array(22) }),
  pngBytes({ width: 2, height: 2, depth: 16, colour: 6, rows: new Uint8Array(34) }),
];

/** Makes a file whose chunks are damaged behind right checksums. */
function damagedPng(random) {
  const seed = Buffer.from(random.pick(png));
  const parts = [seed.subarray(0, 8)];
  for (let at = 8; at + 12 <= seed.length; at += 12 + seed.readUInt32BE(at)) {
    const name = seed.toString("latin1", at + 4, at + 8);
    const body = new Uint8Array(seed.subarray(at + 8, at + 8 + seed.readUInt32BE(at)));
    parts.push(pngChunk(name, random.oneIn(3) ? mutated(body, random, png) : body));
  }
  return new Uint8Array(Buffer.concat(parts));
}

export const pngTarget = {
  name: "png",
  kind: "volume",
  share: 0.03,
  rate: 2500,
  make: (random) => (random.oneIn(2) ? damagedPng(random) : mutated(random.pick(png), random, png)),
  run: judged(read("a.png"), pngOracle),
};

const tiffFields = { 256: [3], 257: [2], 258: [8], 259: [1], 262: [1], 277: [1], 278: [2] };
const page = (more, ...blocks) => ({ fields: { ...tiffFields, ...more }, blocks });
const tiff = [
  tiffBytes([
    page({ 270: "ImageJ=1\nslices=2\nspacing=2\nunit=mm", 282: [1], 283: [1] }, ramp(6)),
    page({}, ramp(6)),
  ]),
  tiffBytes([page({ 259: [8] }, new Uint8Array(deflateSync(ramp(6))))]),
  tiffBytes([page({ 259: [32773], 258: [16], 317: [2] }, Uint8Array.of(245, 7))], false),
  tiffBytes([page({ 259: [5] }, Uint8Array.of(0x80, 0, 0x40, 0x60, 0x50, 0x24, 0x04))]),
  tiffBytes([page({ 322: [2], 323: [2] }, ramp(4), ramp(4))]),
];

export const tiffTarget = {
  name: "tiff",
  kind: "volume",
  share: 0.02,
  rate: 2500,
  make: (random) => mutated(random.pick(tiff), random, tiff),
  run: judged(read("a.tif"), tiffOracle),
};

// The seeds are read undamaged first: a soak of files that are all refused would find nothing.
for (const [seeds, run] of [
  [nifti.slice(0, 5), niftiTarget.run],
  [nrrd.slice(0, 5), nrrdTarget.run],
  [meta.slice(0, 4), metaImageTarget.run],
  [png, pngTarget.run],
  [[...tiff.slice(0, 3), tiff[4]], tiffTarget.run],
])
  for (const seed of seeds) await run(seed);
