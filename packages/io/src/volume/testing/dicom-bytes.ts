import { tags } from "../dicom/tags.js";

/** The value of an element to be made: text, numbers, bytes, items, or packed pixels in fragments. */
export type DicomValue =
  | string
  | Uint8Array
  | readonly number[]
  | readonly DicomElements[]
  | { readonly fragments: readonly Uint8Array[]; readonly offsets?: readonly number[] };

/** Elements by tag, each with its type (VR); undefined ones are left out. */
export type DicomElements = Readonly<Record<number, readonly [vr: string, value: DicomValue] | undefined>>;

export interface DicomLayout {
  readonly little?: boolean;
  readonly explicit?: boolean;
  /** Whether sequences and items have delimiters in place of lengths. */
  readonly open?: boolean;
}

const long = /^(O[BDFLVW]|S[QV]|U[CNRTV])$/;
const widths: Readonly<Record<string, number>> = { US: 2, SS: 2, UL: 4, SL: 4, FL: 4, FD: 8, OV: 8 };

function numberBytes(vr: string, values: readonly number[], little: boolean): Uint8Array {
  const width = widths[vr] ?? 2;
  const view = new DataView(new ArrayBuffer(width * values.length));
  for (const [i, value] of values.entries()) {
    const at = i * width;
    if (vr === "FL") view.setFloat32(at, value, little);
    else if (vr === "FD") view.setFloat64(at, value, little);
    else if (width === 8) view.setBigUint64(at, BigInt(value), little);
    else if (width === 4) view.setUint32(at, value, little);
    else view.setUint16(at, value, little);
  }
  return new Uint8Array(view.buffer);
}

/** Returns the bytes of a data set, its elements in the order of their tags. */
export function dataSetBytes(elements: DicomElements, layout: DicomLayout = {}): Uint8Array {
  const { little = true, explicit = true, open = false } = layout;
  const head = (tag: number, vr: string, length: number): Uint8Array => {
    const wide = explicit && vr !== "" && long.test(vr);
    const view = new DataView(new ArrayBuffer(wide ? 12 : 8));
    view.setUint16(0, Math.floor(tag / 0x10000), little);
    view.setUint16(2, tag % 0x10000, little);
    if (explicit && vr !== "") for (const i of [0, 1]) view.setUint8(4 + i, vr.charCodeAt(i));
    if (wide || !explicit || vr === "") view.setUint32(wide ? 8 : 4, length, little);
    else view.setUint16(6, length, little);
    return new Uint8Array(view.buffer);
  };
  const part = (tag: number, body: Uint8Array): Uint8Array =>
    Buffer.concat([head(tag, "", body.length), body]);
  const end = (tag: number): Uint8Array => head(tag, "", 0);
  const item = (of: DicomElements): Uint8Array => {
    const body = dataSetBytes(of, layout);
    return open
      ? Buffer.concat([head(0xfffee000, "", 0xffffffff), body, end(0xfffee00d)])
      : part(0xfffee000, body);
  };
  const parts = Object.entries(elements)
    .flatMap(([tag, entry]) => (entry ? [[Number(tag), ...entry] as const] : []))
    .sort(([a], [b]) => a - b)
    .flatMap(([tag, vr, value]) => {
      if (typeof value === "object" && "fragments" in value) {
        const table = part(0xfffee000, numberBytes("UL", value.offsets ?? [], little));
        const fragments = value.fragments.map((fragment) => part(0xfffee000, fragment));
        return [head(tag, vr, 0xffffffff), table, ...fragments, end(0xfffee0dd)];
      }
      if (vr === "SQ") {
        const body = Buffer.concat((value as readonly DicomElements[]).map(item));
        return open ? [head(tag, vr, 0xffffffff), body, end(0xfffee0dd)] : [head(tag, vr, body.length), body];
      }
      const body =
        typeof value === "string"
          ? Buffer.from(value.length % 2 === 0 ? value : `${value}${vr === "UI" ? "\0" : " "}`, "utf8")
          : value instanceof Uint8Array
            ? value
            : numberBytes(vr, value as readonly number[], little);
      return [head(tag, vr, body.length), body];
    });
  return new Uint8Array(Buffer.concat(parts));
}

const metaVersion = 0x00020001;

export const implicitSyntax = "1.2.840.10008.1.2";

/** Returns the bytes of a file (PS3.10): preamble, head with the transfer syntax, and data set. */
export function dicomBytes(
  elements: DicomElements,
  {
    syntax = `${implicitSyntax}.1`,
    open = false,
    pack = (bytes) => bytes,
  }: {
    readonly syntax?: string;
    readonly open?: boolean;
    readonly pack?: (dataSet: Uint8Array) => Uint8Array;
  } = {},
): Uint8Array {
  const meta = dataSetBytes({
    [metaVersion]: ["OB", Uint8Array.of(0, 1)],
    [tags.transferSyntax]: ["UI", syntax],
  });
  const layout = { little: syntax !== `${implicitSyntax}.2`, explicit: syntax !== implicitSyntax, open };
  return new Uint8Array(
    Buffer.concat([new Uint8Array(128), Buffer.from("DICM"), meta, pack(dataSetBytes(elements, layout))]),
  );
}

/** Fields of an image; what is left out is that of a CT slice of 3 x 2 pixels of 0.5 x 0.75 mm. */
export interface ImageFields {
  readonly rows?: number;
  readonly columns?: number;
  readonly frames?: number;
  readonly samples?: number;
  readonly photometric?: string;
  readonly allocated?: number;
  readonly stored?: number;
  readonly signed?: boolean;
  readonly position?: readonly number[];
  readonly orientation?: readonly number[];
  readonly series?: string;
  readonly pixels?: DicomValue;
  readonly more?: DicomElements;
}

/** Returns the elements of an image, in big- or little-endian pixels as `pixels` has them. */
export function imageElements(fields: ImageFields = {}): DicomElements {
  const { rows = 2, columns = 3, frames = 1, samples = 1, photometric = "MONOCHROME2", more = {} } = fields;
  const { allocated = 16, stored = allocated, signed = false, series = "1.2.3" } = fields;
  const { position = [10, 20, 30], orientation = [1, 0, 0, 0, 1, 0] } = fields;
  const {
    pixels = Uint8Array.from({ length: (rows * columns * frames * samples * allocated) / 8 }, (_, i) => i),
  } = fields;
  return {
    [tags.modality]: ["CS", "CT"],
    [tags.seriesInstanceUid]: ["UI", series],
    [tags.samplesPerPixel]: ["US", [samples]],
    [tags.photometric]: ["CS", photometric],
    [tags.rows]: ["US", [rows]],
    [tags.columns]: ["US", [columns]],
    [tags.pixelSpacing]: ["DS", "0.75\\0.5"],
    [tags.bitsAllocated]: ["US", [allocated]],
    [tags.bitsStored]: ["US", [stored]],
    [tags.highBit]: ["US", [stored - 1]],
    [tags.pixelRepresentation]: ["US", [signed ? 1 : 0]],
    [tags.pixels]: [allocated > 8 ? "OW" : "OB", pixels],
    [tags.imagePosition]: position.length > 0 ? ["DS", position.join("\\")] : undefined,
    [tags.imageOrientation]: orientation.length > 0 ? ["DS", orientation.join("\\")] : undefined,
    [tags.numberOfFrames]: frames > 1 ? ["IS", `${frames}`] : undefined,
    ...more,
  };
}
