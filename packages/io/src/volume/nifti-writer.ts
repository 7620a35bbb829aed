import type { DataType } from "@pixelcal/core";
import { elements } from "../element.js";
import { labelTable } from "./nifti-extension.js";
import { formsOf } from "./nifti-forms.js";
import { layouts, niftiTypes, placing } from "./nifti-header.js";
import { packed } from "./packed.js";
import { hasEnding } from "./source.js";
import {
  nameOfType,
  type VolumeWriter,
  valuePieces,
  type WritableVolume,
  type WriteSettings,
} from "./volume-writer.js";

const codes: ReadonlyMap<DataType, number> = new Map([
  ...[...niftiTypes].flatMap(([code, [type, samples]]) => (samples === 1 ? [[type, code] as const] : [])),
  ["bool", 2] as const,
]);

/** The intent of voxels that are vectors, along a fifth axis. */
const vectorIntent = 1007;

/** The largest size of an axis in version 1. */
const longestAxis = 32767;

/** Returns the header, the extension flag and the extension. */
function headOf(volume: WritableVolume, settings: WriteSettings): Uint8Array {
  const { shape, channels = 1, type, scaled, names } = volume;
  const datatype = nameOfType("NIfTI", codes, type);
  const forms = settings.image ?? formsOf(volume, volume.units);
  const vector = channels > 1 && settings.channelAxis === "vector";
  const spatial = channels > 1 ? [...shape, 1, 1].slice(0, 3) : shape;
  const dims = channels > 1 ? [...spatial, ...(vector ? [1] : []), channels] : spatial;
  // Version 2 keeps the float64 geometry of an image of version 2.
  const version = settings.image?.version === 2 || dims.some((size) => size > longestAxis) ? 2 : 1;
  const extension = names && names.size > 0 ? labelTable(names) : new Uint8Array(0);
  const at = { ...layouts[version], ...placing[version] };
  const start = at.size + 4 + extension.length;
  const head = new DataView(new ArrayBuffer(start));
  const [code, real, size]: readonly ((at: number, value: number) => void)[] =
    version === 1
      ? [
          (at, value) => head.setInt16(at, value, true),
          (at, value) => head.setFloat32(at, value, true),
          (at, value) => head.setInt16(at, value, true),
        ]
      : [
          (at, value) => head.setInt32(at, value, true),
          (at, value) => head.setFloat64(at, value, true),
          (at, value) => head.setBigInt64(at, BigInt(value), true),
        ];
  const width = version === 1 ? 4 : 8;
  const reals = (at: number, values: readonly number[]): void =>
    values.forEach((value, i) => void real!(at + i * width, value));
  head.setInt32(0, at.size, true);
  [dims.length, ...dims].forEach((count, i) => void size!(at.dim + i * (version === 1 ? 2 : 8), count));
  for (let i = dims.length + 1; i < 8; i++) size!(at.dim + i * (version === 1 ? 2 : 8), 1);
  code!(at.intent, vector ? vectorIntent : 0);
  head.setInt16(at.type, datatype, true);
  head.setInt16(at.bitpix, 8 * elements[type].bytes, true);
  reals(at.pixdim, [...forms.pixdim, 1, 1, 1, 1]);
  if (version === 1) real!(at.offset, start);
  else head.setBigInt64(at.offset, BigInt(start), true);
  reals(at.slope, [scaled?.slope ?? 1, scaled?.inter ?? 0]);
  if (version === 1) head.setUint8(at.units, forms.xyztUnits);
  else head.setInt32(at.units, forms.xyztUnits, true);
  code!(at.qcode, forms.qformCode);
  code!(at.scode, forms.sformCode);
  reals(at.quaternion, forms.quaternion);
  reals(at.qoffset, forms.qoffset);
  forms.sform.forEach((row, i) => void reals(at.sform + 4 * width * i, row));
  const bytes = new Uint8Array(head.buffer);
  const text = (at: number, value: string): void => bytes.set(Buffer.from(value, "latin1"), at);
  text(version === 1 ? 148 : 240, "PixelCal");
  text(at.magic, version === 1 ? "n+1\0" : "n+2\0\r\n\x1a\n");
  if (extension.length > 0) bytes[at.size] = 1;
  bytes.set(extension, at.size + 4);
  return bytes;
}

export const niftiWriter: VolumeWriter = {
  name: "NIfTI",
  endings: [".nii", ".nii.gz"],
  async *encode(volume, settings) {
    const head = headOf(volume, settings);
    const parts = function* (): Generator<Uint8Array> {
      yield head;
      yield* valuePieces(volume);
    };
    if (hasEnding(settings.path, [".gz"])) yield* packed("gzip", settings.level, parts());
    else yield* parts();
  },
};
