/** A page of a TIFF file to be made: fields by tag, and its blocks of pixels as stored. */
export interface TiffPage {
  readonly fields: Readonly<Record<number, readonly number[] | string>>;
  readonly blocks: readonly Uint8Array[];
}

/**
 * Returns the bytes of a TIFF file. Fields are 32-bit numbers, fractions of 1000 (tags 282 and 283) or text.
 */
export function tiffBytes(pages: readonly TiffPage[], little = true): Uint8Array {
  const parts: Uint8Array[] = [];
  let length = 0;
  const add = (bytes: Uint8Array): number => {
    const at = length;
    const padded = new Uint8Array(bytes.length + (bytes.length % 2));
    padded.set(bytes);
    parts.push(padded);
    length += padded.length;
    return at;
  };
  const numbers = (values: readonly number[]): Uint8Array => {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    for (const [i, value] of values.entries()) view.setUint32(4 * i, value, little);
    return new Uint8Array(view.buffer);
  };
  add(Buffer.from(little ? "II*\0" : "MM\0*", "latin1"));
  const links = [add(new Uint8Array(4))];
  for (const { fields, blocks } of pages) {
    const offsets = blocks.map(add);
    const tiled = 322 in fields;
    const placed = {
      [tiled ? 324 : 273]: offsets,
      [tiled ? 325 : 279]: blocks.map((block) => block.length),
      ...fields,
    };
    const entries = Object.entries(placed).map(([tag, value]) => {
      const text = typeof value === "string";
      const fraction = tag === "282" || tag === "283";
      const bytes = text
        ? Buffer.from(`${value}\0`, "latin1")
        : numbers(fraction ? value.flatMap((part) => [Math.round(part * 1000), 1000]) : value);
      const count = text ? bytes.length : value.length;
      const inline = bytes.length <= 4 ? bytes : numbers([add(bytes)]);
      return { tag: Number(tag), type: text ? 2 : fraction ? 5 : 4, count, inline };
    });
    const directory = new DataView(new ArrayBuffer(2 + 12 * entries.length + 4));
    directory.setUint16(0, entries.length, little);
    for (const [i, { tag, type, count, inline }] of entries.entries()) {
      const at = 2 + 12 * i;
      directory.setUint16(at, tag, little);
      directory.setUint16(at + 2, type, little);
      directory.setUint32(at + 4, count, little);
      for (const [j, byte] of inline.entries()) directory.setUint8(at + 8 + j, byte);
    }
    const at = add(new Uint8Array(directory.buffer));
    links.push(at, at + directory.byteLength - 4);
  }
  const file = new DataView(new Uint8Array(Buffer.concat(parts)).buffer);
  // Every second link is a place, the one before it where that place is written.
  for (let i = 0; i + 1 < links.length; i += 2) file.setUint32(links[i]!, links[i + 1]!, little);
  return new Uint8Array(file.buffer);
}
