import type { Encoding } from "./parse.js";

/** The way in which frames are packed: "native" is not at all, "rle" and "deflate" are unpacked here. */
export type Packing =
  | "native"
  | "rle"
  | "deflate"
  | "jpeg"
  | "jpeg-12-bit"
  | "jpeg-lossless"
  | "jpeg-ls"
  | "jpeg-2000"
  | "other";

/** A transfer syntax: the encoding of the data set and of the pixels. */
export interface TransferSyntax extends Encoding {
  readonly uid: string;
  readonly name: string;
  readonly packing: Packing;
  /** Whether the data set itself is packed by deflate. */
  readonly deflated: boolean;
}

const root = "1.2.840.10008.1.2";

const names: Readonly<Record<string, readonly [name: string, packing: Packing]>> = {
  "": ["Implicit VR Little Endian", "native"],
  ".1": ["Explicit VR Little Endian", "native"],
  ".1.98": ["Encapsulated Uncompressed", "other"],
  ".1.99": ["Deflated Explicit VR Little Endian", "native"],
  ".2": ["Explicit VR Big Endian", "native"],
  ".5": ["RLE Lossless", "rle"],
  ".8.1": ["Deflated Image Frame Compression", "deflate"],
  ".4.50": ["JPEG Baseline (Process 1)", "jpeg"],
  ".4.51": ["JPEG Extended (Process 2 and 4)", "jpeg-12-bit"],
  ".4.57": ["JPEG Lossless, Non-Hierarchical (Process 14)", "jpeg-lossless"],
  ".4.70": ["JPEG Lossless, First-Order Prediction (Process 14, Selection Value 1)", "jpeg-lossless"],
  ".4.80": ["JPEG-LS Lossless", "jpeg-ls"],
  ".4.81": ["JPEG-LS Near-Lossless", "jpeg-ls"],
  ".4.90": ["JPEG 2000 (Lossless Only)", "jpeg-2000"],
  ".4.91": ["JPEG 2000", "jpeg-2000"],
  ".4.92": ["JPEG 2000 Part 2 Multi-component (Lossless Only)", "other"],
  ".4.93": ["JPEG 2000 Part 2 Multi-component", "other"],
  ".4.100": ["MPEG2 Main Profile / Main Level", "other"],
  ".4.102": ["MPEG-4 AVC/H.264 High Profile / Level 4.1", "other"],
  ".4.110": ["JPEG XL Lossless", "other"],
  ".4.201": ["High-Throughput JPEG 2000 (Lossless Only)", "other"],
};

/** Returns the transfer syntax of a UID (PS3.6, table A-1), or undefined if it is unknown. */
export function transferSyntaxOf(uid: string): TransferSyntax | undefined {
  const known = uid.startsWith(root) && Object.hasOwn(names, uid.slice(root.length));
  const entry = known ? names[uid.slice(root.length)] : undefined;
  if (!entry) return undefined;
  const [name, packing] = entry;
  return {
    uid,
    name,
    packing,
    little: uid !== `${root}.2`,
    explicit: uid !== root,
    deflated: uid === `${root}.1.99`,
  };
}
