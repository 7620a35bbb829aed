import type { DataType } from "@pixelcal/core";
import type { NiftiForms } from "./nifti-geometry.js";
import { refusal } from "./refuse.js";

/** The header of a NIfTI-1 or NIfTI-2 file. */
export interface NiftiHeader extends NiftiForms {
  readonly version: 1 | 2;
  readonly bigEndian: boolean;
  /** Whether the voxels follow in the same file. */
  readonly single: boolean;
  /** The sizes of all axes, dim[1] first. */
  readonly dims: readonly number[];
  readonly type: DataType;
  /** The number of elements in one voxel: 3 for RGB24. */
  readonly samples: 1 | 3;
  readonly intent: number;
  readonly voxOffset: number;
  readonly slope: number;
  readonly inter: number;
}

/** The offsets of the fields of both versions, and the size of a header in bytes. */
export const layouts = {
  1: {
    size: 348,
    dim: 40,
    intent: 68,
    type: 70,
    bitpix: 72,
    pixdim: 76,
    offset: 108,
    slope: 112,
    inter: 116,
  },
  2: {
    size: 540,
    dim: 16,
    intent: 504,
    type: 12,
    bitpix: 14,
    pixdim: 104,
    offset: 168,
    slope: 176,
    inter: 184,
  },
} as const;
/** The offsets of the fields that place the voxels, and of the magic text. */
export const placing = {
  1: { units: 123, qcode: 252, scode: 254, quaternion: 256, qoffset: 268, sform: 280, magic: 344 },
  2: { units: 500, qcode: 344, scode: 348, quaternion: 352, qoffset: 376, sform: 400, magic: 4 },
} as const;

/** The types by code of datatype, and their number of elements in one voxel. */
export const niftiTypes: ReadonlyMap<number, readonly [type: DataType, samples: 1 | 3]> = new Map([
  [2, ["uint8", 1]],
  [4, ["int16", 1]],
  [8, ["int32", 1]],
  [16, ["float32", 1]],
  [64, ["float64", 1]],
  [128, ["uint8", 3]],
  [256, ["int8", 1]],
  [512, ["uint16", 1]],
  [768, ["uint32", 1]],
  [1024, ["int64", 1]],
  [1280, ["uint64", 1]],
]);

const unread: ReadonlyMap<number, string> = new Map([
  [1, "1-bit"],
  [32, "complex64"],
  [1536, "float128"],
  [1792, "complex128"],
  [2048, "complex256"],
  [2304, "RGBA32"],
]);

const widths: ReadonlyMap<DataType, number> = new Map([
  ["uint8", 8],
  ["int8", 8],
  ["int16", 16],
  ["uint16", 16],
  ["int32", 32],
  ["uint32", 32],
  ["float32", 32],
]);

const magics: ReadonlyMap<string, { version: 1 | 2; single: boolean }> = new Map([
  ["n+1\0", { version: 1, single: true }],
  ["ni1\0", { version: 1, single: false }],
  ["n+2\0", { version: 2, single: true }],
  ["ni2\0", { version: 2, single: false }],
]);

const text = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString("latin1");

function magicOf(bytes: Uint8Array): { version: 1 | 2; single: boolean } | undefined {
  const first = magics.get(text(bytes, 344, 348));
  if (first?.version === 1) return first;
  const second = magics.get(text(bytes, 4, 8));
  return second?.version === 2 ? second : undefined;
}

/** Returns whether the bytes begin with a NIfTI header. */
export const isNifti = (bytes: Uint8Array): boolean => magicOf(bytes) !== undefined;

/** Reads the header from the first bytes of a file. Throws FormatError. */
export function parseNiftiHeader(path: string, bytes: Uint8Array): NiftiHeader {
  const magic = magicOf(bytes);
  if (!magic) {
    const seen = JSON.stringify(text(bytes, 344, 348));
    throw refusal(path, "magic", 344, `not a NIfTI file: expected "n+1", "ni1", "n+2" or "ni2", got ${seen}`);
  }
  const { version, single } = magic;
  const layout = { ...layouts[version], ...placing[version] };
  if (bytes.length < layout.size)
    throw refusal(path, undefined, bytes.length, `ended early: the header has ${layout.size} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const bigEndian = view.getInt32(0, true) !== layout.size;
  if (bigEndian && view.getInt32(0, false) !== layout.size) {
    const size = view.getInt32(0, true);
    throw refusal(path, "sizeof_hdr", 0, `expected ${layout.size} in either byte order, got ${size}`);
  }
  const little = !bigEndian;
  const short = (at: number): number => view.getInt16(at, little);
  const code = (at: number): number =>
    version === 1 ? view.getInt16(at, little) : view.getInt32(at, little);
  const step = version === 1 ? 4 : 8;
  const real = (at: number, index = 0): number =>
    version === 1 ? view.getFloat32(at + 4 * index, little) : view.getFloat64(at + 8 * index, little);
  const dim = (index: number): number =>
    version === 1
      ? view.getInt16(layout.dim + 2 * index, little)
      : Number(view.getBigInt64(layout.dim + 8 * index, little));

  const rank = dim(0);
  if (!(rank >= 1 && rank <= 7))
    throw refusal(path, "dim[0]", layout.dim, `expected 1 to 7 axes, got ${rank}`);
  const dims = Array.from({ length: rank }, (_, i) => dim(i + 1));
  dims.forEach((size, i) => {
    const at = layout.dim + (i + 1) * (version === 1 ? 2 : 8);
    if (size < 1) throw refusal(path, `dim[${i + 1}]`, at, `expected at least 1, got ${size}`);
  });

  const datatype = short(layout.type);
  const known = niftiTypes.get(datatype);
  if (!known) {
    const what = unread.get(datatype) ?? "unknown";
    const cure = "store it as integers of 8 to 64 bits, float32, float64 or RGB24";
    throw refusal(path, "datatype", layout.type, `${datatype} (${what}) is not read; ${cure}`);
  }
  const [type, samples] = known;
  const bits = short(layout.bitpix);
  const expected = (widths.get(type) ?? 64) * samples;
  if (bits !== expected)
    throw refusal(path, "bitpix", layout.bitpix, `${type} has ${expected} bits, the header says ${bits}`);

  const voxOffset = version === 1 ? real(layout.offset) : Number(view.getBigInt64(layout.offset, little));
  checkOffset(path, layout.offset, voxOffset, single ? layout.size : 0);
  const reals = (at: number, count: number): readonly number[] =>
    Array.from({ length: count }, (_, i) => real(at, i));
  const vector = (at: number): readonly [number, number, number] => [real(at), real(at, 1), real(at, 2)];
  const units = version === 1 ? bytes[layout.units]! : view.getInt32(layout.units, little);
  return {
    ...{ version, bigEndian, single, dims, type, samples, voxOffset },
    intent: code(layout.intent),
    slope: real(layout.slope),
    inter: real(layout.inter),
    pixdim: reals(layout.pixdim, 4),
    qformCode: code(layout.qcode),
    sformCode: code(layout.scode),
    quaternion: vector(layout.quaternion),
    qoffset: vector(layout.qoffset),
    sform: [0, 1, 2].map((row) => reals(layout.sform + 4 * step * row, 4)),
    xyztUnits: units,
  };
}

function checkOffset(path: string, at: number, offset: number, header: number): void {
  // Some writers store 0 in a single file, whose voxels can only follow the header and its four bytes.
  const fine = Number.isSafeInteger(offset) && offset >= 0 && (offset === 0 || offset >= header);
  if (!fine)
    throw refusal(path, "vox_offset", at, `expected a whole number of at least ${header + 4}, got ${offset}`);
}
