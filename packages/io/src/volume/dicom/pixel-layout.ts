import type { DataType } from "@pixelcal/core";
import { elements } from "../../element.js";
import type { DicomFile } from "./dicom-file.js";
import { tags } from "./tags.js";

/** The shape and type of a file's frames. */
export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly frames: number;
  readonly samples: number;
  /** Whether the samples of a frame come one plane after the other. */
  readonly planar: boolean;
  readonly photometric: string;
  /** Whether the decoder turns colours to RGB. */
  readonly toRgb: boolean;
  /** The number of bits of a sample in the file: 1, 8, 16, 32 or 64. */
  readonly allocated: number;
  /** The number of bits that are used, `low` bits above the lowest. */
  readonly stored: number;
  readonly low: number;
  readonly signed: boolean;
  /** The type of a sample in memory; one bit becomes a byte. */
  readonly type: DataType;
  /** The number of bytes of a frame in memory. */
  readonly frameBytes: number;
}

const types: Readonly<Record<string, DataType>> = {
  "1": "uint8",
  "8": "uint8",
  "-8": "int8",
  "16": "uint16",
  "-16": "int16",
  "32": "uint32",
  "-32": "int32",
};

/** Returns the layout of a file's pixels. Throws FormatError for one that is not read or contradictory. */
export function pixelLayoutOf({ dataSet, pixels, syntax }: DicomFile): PixelLayout {
  const rows = dataSet.need(tags.rows);
  const columns = dataSet.need(tags.columns);
  if (rows === 0 || columns === 0) throw dataSet.fail(tags.rows, `an image of ${columns} x ${rows} pixels`);
  const frames = dataSet.count(tags.numberOfFrames, 1) ?? 1;
  const samples = dataSet.unsigned(tags.samplesPerPixel) ?? 1;
  if (samples !== 1 && samples !== 3 && samples !== 4)
    throw dataSet.fail(tags.samplesPerPixel, `expected 1, 3 or 4 samples, got ${samples}`);
  const allocated = dataSet.need(tags.bitsAllocated);
  const photometric = dataSet.text(tags.photometric) ?? "MONOCHROME2";
  // Decoders give interleaved samples, whatever is declared.
  const planes = dataSet.unsigned(tags.planarConfiguration) ?? 0;
  const planar = samples > 1 && syntax.packing === "native" && planes === 1;
  const toRgb =
    syntax.packing === "jpeg" || (syntax.packing === "jpeg-2000" && /^YBR_(RCT|ICT)$/.test(photometric));
  const shape = { rows, columns, frames, samples, planar, photometric, toRgb, allocated };
  if (pixels && pixels.tag !== tags.pixels) {
    const type = pixels.tag === tags.floatPixels ? "float32" : "float64";
    const { bytes } = elements[type];
    if (allocated !== 8 * bytes) throw dataSet.fail(tags.bitsAllocated, `${allocated} bits of ${type}`);
    const frameBytes = rows * columns * samples * bytes;
    return { ...shape, stored: allocated, low: 0, signed: true, type, frameBytes };
  }
  const signed = (dataSet.unsigned(tags.pixelRepresentation) ?? 0) === 1;
  const type = types[`${signed && allocated > 1 ? -allocated : allocated}`];
  if (!type)
    throw dataSet.fail(tags.bitsAllocated, `${allocated} bits are not read; expected 1, 8, 16 or 32`);
  const stored = dataSet.unsigned(tags.bitsStored) ?? allocated;
  if (stored < 1 || stored > allocated)
    throw dataSet.fail(tags.bitsStored, `expected 1 to ${allocated} bits, got ${stored}`);
  const high = dataSet.unsigned(tags.highBit) ?? stored - 1;
  if (high < stored - 1 || high >= allocated)
    throw dataSet.fail(tags.highBit, `expected ${stored - 1} to ${allocated - 1}, got ${high}`);
  // The decoder of JPEG gives RGB at full resolution.
  if (/_422$|_420$/.test(photometric) && syntax.packing !== "jpeg")
    throw dataSet.fail(tags.photometric, `${photometric} (colours at half the resolution) is not read`);
  // Nothing in a JPEG stream says for certain that its colours are RGB, so decoders guess.
  if (photometric === "RGB" && syntax.packing === "jpeg")
    throw dataSet.fail(tags.photometric, "RGB in a JPEG stream is not read; store YBR_FULL or uncompressed");
  if (allocated === 1 && samples > 1) throw dataSet.fail(tags.bitsAllocated, "colours of 1 bit are not read");
  const frameBytes = rows * columns * samples * elements[type].bytes;
  return { ...shape, stored, low: high - stored + 1, signed, type, frameBytes };
}

/** Returns whether the frames of two files can lie in one volume. */
export const sameLayout = (a: PixelLayout, b: PixelLayout): boolean =>
  a.rows === b.rows &&
  a.columns === b.columns &&
  a.samples === b.samples &&
  a.type === b.type &&
  a.photometric === b.photometric;
