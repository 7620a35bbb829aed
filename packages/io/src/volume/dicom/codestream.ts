/** The size that the head of a JPEG, JPEG-LS or JPEG 2000 stream declares. */
export interface Codestream {
  readonly columns: number;
  readonly rows: number;
  readonly samples: number;
  readonly bits: number;
  /** The number of samples in the first scan; all of them, unless each has a scan of its own. */
  readonly scanned: number;
  /** The marker of the frame: 0xc0 to 0xcf for JPEG, 0xf7 for JPEG-LS, 0x51 for JPEG 2000. */
  readonly marker: number;
}

/**
 * Reads the size of an image from its packed stream, so that no decoder is given one that claims another.
 * Returns undefined for a stream without a head.
 */
export function codestreamOf(bytes: Uint8Array): Codestream | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length < 4) return undefined;
  if (view.getUint32(0) === 0xff4fff51) return sizOf(view);
  if (view.getUint16(0) !== 0xffd8) return undefined;
  let found: Codestream | undefined;
  for (let at = 2; at + 10 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return found;
    const marker = bytes[at + 1]!;
    // Any number of 0xff may stand before a marker.
    if (marker === 0xff) {
      at++;
      continue;
    }
    if (marker === 0xda) return found && { ...found, scanned: bytes[at + 4]! };
    if (marker === 0xd9) return found;
    const frame =
      (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) || marker === 0xf7;
    if (frame) {
      const samples = bytes[at + 9]!;
      const [rows, columns] = [view.getUint16(at + 5), view.getUint16(at + 7)];
      found = { marker, bits: bytes[at + 4]!, rows, columns, samples, scanned: samples };
    }
    at += 2 + view.getUint16(at + 2);
  }
  return found;
}

/**
 * Returns whether a stream ends with its end marker, which bytes of 0 or 255 may pad. Decoders of JPEG and
 * JPEG 2000 fill in what a shorter stream lacks.
 */
export function isComplete(bytes: Uint8Array): boolean {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === 0 || bytes[end - 1] === 0xff)) end--;
  return end >= 2 && bytes[end - 2] === 0xff && bytes[end - 1] === 0xd9;
}

function sizOf(view: DataView): Codestream | undefined {
  if (view.byteLength < 43) return undefined;
  return {
    marker: 0x51,
    columns: view.getUint32(8) - view.getUint32(16),
    rows: view.getUint32(12) - view.getUint32(20),
    samples: view.getUint16(40),
    scanned: view.getUint16(40),
    bits: (view.getUint8(42) & 0x7f) + 1,
  };
}
