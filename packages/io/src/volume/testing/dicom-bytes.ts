import { type DicomElements, type DicomValue, dataSetBytes } from "../dicom/encode.js";
import { tags } from "../dicom/tags.js";

export { type DicomElements, type DicomValue, dataSetBytes };

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
