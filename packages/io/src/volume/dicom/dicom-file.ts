import { FormatError, overLimit } from "../../errors.js";
import type { Limits } from "../../limits.js";
import { type ByteSource, BytesSource } from "../../regular-file.js";
import { inflateHead, inflateInto } from "../inflate.js";
import { refusal } from "../refuse.js";
import type { DataSet } from "./data-set.js";
import {
  type Encoding,
  type Known,
  MoreBytes,
  type Parsed,
  type PixelElement,
  parseDataSet,
} from "./parse.js";
import { tags } from "./tags.js";
import { type TransferSyntax, transferSyntaxOf } from "./transfer-syntax.js";

/** A DICOM file whose data set is read, as far as its pixels. */
export interface DicomFile {
  readonly path: string;
  readonly dataSet: DataSet;
  readonly syntax: TransferSyntax;
  readonly pixels: PixelElement | undefined;
  /** The bytes that the places of elements count in: the file, or its unpacked data set. */
  readonly bytes: ByteSource;
  readonly notes: readonly string[];
}

const implicit = "1.2.840.10008.1.2";
const preambleEnd = 132;

/** The number of bytes of a data set that are read at first. */
const firstRead = 2 ** 15;

/** Returns whether bytes begin as a DICOM file does: a preamble of 128 bytes, and DICM. */
export const hasPreamble = (bytes: Uint8Array): boolean =>
  bytes.length >= preambleEnd && Buffer.from(bytes.subarray(128, preambleEnd)).toString("latin1") === "DICM";

/**
 * Returns the encoding of a data set without preamble, as its first element shows it: of group 2 (a file's
 * head), or of group 8.
 */
export function bareEncoding(bytes: Uint8Array): (Encoding & { readonly group: number }) | undefined {
  if (bytes.length < 16) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = view.getUint16(0, true) < 0x100;
  const [group, element] = [view.getUint16(0, little), view.getUint16(2, little)];
  const explicit = /^[A-Z]{2}$/.test(String.fromCharCode(bytes[4]!, bytes[5]!));
  if (!(group === 2 && element <= 2 && explicit) && !(group === 8 && element < 0x100)) return undefined;
  // An implicit element near the start is short, so that few other files look like one.
  if (!explicit && !(little && view.getUint32(4, true) <= 128)) return undefined;
  return { little, explicit, group };
}

/** Reads what of a file lies before its pixels, in longer and longer pieces until the parser has enough. */
async function parseGrowing(
  path: string,
  size: number,
  limits: Limits,
  head: (length: number) => Promise<Uint8Array>,
  parse: (known: Known) => Parsed & { end: number },
): Promise<Parsed & { end: number }> {
  let end = size;
  for (let length = firstRead; ; ) {
    const bytes = await head(Math.min(length, end));
    // A packed data set ends where it gives fewer bytes than were asked for.
    if (bytes.length < Math.min(length, end)) end = bytes.length;
    try {
      return parse({ path, bytes, size: end });
    } catch (error) {
      if (!(error instanceof MoreBytes)) throw error;
      if (bytes.length >= end) throw refusal(path, undefined, end, "ended early");
      if (error.needed > limits.maxIndex)
        throw overLimit(
          refusal(
            path,
            undefined,
            bytes.length,
            `the data set exceeds the limit of ${limits.maxIndex} bytes`,
          ),
        );
      length = Math.min(limits.maxIndex, Math.max(error.needed, 4 * bytes.length));
    }
  }
}

/** Reads the file's head (group 2): the transfer syntax, and where the data set begins. */
async function readMeta(
  path: string,
  bytes: ByteSource,
  start: number,
  limits: Limits,
): Promise<{ syntax: TransferSyntax; start: number }> {
  const head = async (length: number): Promise<Uint8Array> => new Uint8Array(await bytes.read(0, length));
  const encoding = { little: true, explicit: true };
  const { dataSet, end } = await parseGrowing(path, bytes.size, limits, head, (known) =>
    parseDataSet(known, start, encoding, (tag) => tag >>> 16 === 2),
  );
  const uid = dataSet.text(tags.transferSyntax);
  if (uid === undefined) throw dataSet.missing(tags.transferSyntax);
  const syntax = transferSyntaxOf(uid);
  if (!syntax) throw dataSet.fail(tags.transferSyntax, `${JSON.stringify(uid.slice(0, 64))} is not known`);
  return { syntax, start: end };
}

/**
 * Returns whether the first element of a data set names its type, which some writers do against the transfer
 * syntax; undefined where the element is neither.
 */
async function firstEncoding(bytes: ByteSource, start: number): Promise<boolean | undefined> {
  if (start + 8 > bytes.size) return undefined;
  const view = new DataView(await bytes.read(start, 8));
  if (/^[A-Z]{2}$/.test(String.fromCharCode(view.getUint8(4), view.getUint8(5)))) return true;
  // Among the implicit elements of group 8 the first is short.
  return view.getUint16(0, true) === 8 && view.getUint32(4, true) <= 256 ? false : undefined;
}

/** Reads the data set of a file up to its pixels. Throws FormatError. */
export async function readDicomFile(path: string, bytes: ByteSource, limits: Limits): Promise<DicomFile> {
  const first = new Uint8Array(await bytes.read(0, Math.min(bytes.size, firstRead)));
  const bare = hasPreamble(first) ? undefined : bareEncoding(first);
  if (!bare && !hasPreamble(first))
    throw new FormatError(path, undefined, "is no DICOM file: DICM is missing (at byte 128)");
  const notes: string[] = [];
  let syntax: TransferSyntax;
  let start = 0;
  if (bare && bare.group !== 2) {
    const uid = `${implicit}${bare.explicit ? (bare.little ? ".1" : ".2") : ""}`;
    syntax = transferSyntaxOf(uid)!;
    notes.push(`the file has no DICOM head; ${syntax.name} is assumed`);
  } else {
    ({ syntax, start } = await readMeta(path, bytes, bare ? 0 : preambleEnd, limits));
    if (bare) notes.push("the file has no preamble");
    const encoding = syntax.deflated ? undefined : await firstEncoding(bytes, start);
    if (syntax.little && encoding !== undefined && encoding !== syntax.explicit) {
      const found = encoding ? "explicit" : "implicit";
      notes.push(`the data set is ${found}, against the transfer syntax ${syntax.name}`);
      syntax = { ...syntax, explicit: encoding };
    }
  }
  if (syntax.deflated) return readDeflated(path, bytes, start, syntax, limits, notes);
  const head = async (length: number): Promise<Uint8Array> => new Uint8Array(await bytes.read(0, length));
  const { dataSet, pixels } = await parseGrowing(path, bytes.size, limits, head, (known) =>
    parseDataSet(known, start, syntax),
  );
  return { path, dataSet, syntax, pixels, bytes, notes };
}

/** Unpacks a deflated data set as far as its pixels, and then the pixels as a stream. */
async function readDeflated(
  path: string,
  file: ByteSource,
  start: number,
  syntax: TransferSyntax,
  limits: Limits,
  notes: readonly string[],
): Promise<DicomFile> {
  const packed = new Uint8Array(await file.read(start, Math.min(file.size - start, limits.maxIndex)));
  let unpacked: Uint8Array = new Uint8Array(0);
  const head = (length: number): Promise<Uint8Array> => {
    unpacked = inflateHead(packed, "deflate", length);
    return Promise.resolve(unpacked);
  };
  const { dataSet, pixels } = await parseGrowing(path, Number.POSITIVE_INFINITY, limits, head, (known) =>
    parseDataSet(known, 0, syntax),
  );
  if (!pixels) return { path, dataSet, syntax, pixels, bytes: new BytesSource(unpacked), notes };
  if (pixels.length === undefined)
    throw dataSet.fail(pixels.tag, "fragments of pixels in a deflated data set");
  const place = { path, source: file, start, end: file.size, wrapper: "deflate" } as const;
  const { bytes } = await inflateInto(place, pixels.start + pixels.length, limits);
  return { path, dataSet, syntax, pixels, bytes: new BytesSource(bytes), notes };
}
