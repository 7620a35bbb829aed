import { InvalidArgumentError } from "@pixelcal/core";
import { labelColour } from "./label-colours.js";

/** The number of bytes of a header extension that are read. */
const longest = 2 ** 20;

/**
 * Returns the names of labels in the header extensions between a NIfTI header and its voxels: the label table
 * of Connectome Workbench's XML, which TotalSegmentator writes. Extensions that are damaged or hold something
 * else are passed over.
 */
export function labelNames(
  bytes: Uint8Array,
  from: number,
  bigEndian: boolean,
): ReadonlyMap<number, string> | undefined {
  if (bytes.length <= from || bytes[from - 4] === 0) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const names = new Map<number, string>();
  for (let at = from; at + 8 <= bytes.length; ) {
    const size = view.getInt32(at, !bigEndian);
    if (size < 16 || size > longest || at + size > bytes.length) break;
    const text = Buffer.from(bytes.subarray(at + 8, at + size)).toString("utf8");
    for (const [, attributes, raw, escaped] of text.matchAll(
      /<Label\s([^<>]{0,1000})>(?:<!\[CDATA\[([^<>\]]{0,1000})\]\]>|([^<>]{0,1000}))<\/Label>/g,
    )) {
      const key = /\bKey="(-?\d{1,9})"/.exec(attributes!);
      if (key) names.set(Number(key[1]), raw?.trim() ?? unescaped(escaped!.trim()));
    }
    at += size;
  }
  return names.size > 0 ? names : undefined;
}

const entities: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

const unescaped = (text: string): string =>
  text.replace(/&(\w+);/g, (all, name) => entities.get(name) ?? all);

const references: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
};

/** The code of extensions that hold the XML of Connectome Workbench. */
const caret = 30;

/** Returns a header extension with the names and colours of labels, which {@link labelNames} reads. */
export function labelTable(names: ReadonlyMap<number, string>): Uint8Array {
  const rows = [...names].map(([label, name]) => {
    const [red, green, blue] = labelColour(label).map((part) => Number((part / 255).toFixed(6)));
    const text = name.replace(/[&<>"]/g, (letter) => references[letter]!);
    return `<Label Key="${label}" Red="${red}" Green="${green}" Blue="${blue}" Alpha="1">${text}</Label>`;
  });
  const table = `<LabelTable>${rows.join("")}</LabelTable>`;
  const type = "<VolumeType>Label</VolumeType>";
  const text = `<?xml version="1.0" encoding="UTF-8"?><CaretExtension><VolumeInformation Index="0">${table}${type}</VolumeInformation></CaretExtension>`;
  const body = Buffer.from(text, "utf8");
  const bytes = Buffer.alloc(16 * Math.ceil((8 + body.length) / 16));
  if (bytes.length > longest)
    throw new InvalidArgumentError("volume.names", `volume.names: more text than ${longest} bytes`);
  bytes.writeInt32LE(bytes.length, 0);
  bytes.writeInt32LE(caret, 4);
  body.copy(bytes, 8);
  return bytes;
}
