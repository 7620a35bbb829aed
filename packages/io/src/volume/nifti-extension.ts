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
    for (const [, attributes, name] of text.matchAll(
      /<Label\s([^<>]{0,1000})>(?:<!\[CDATA\[)?([^<>\]]{0,1000})(?:\]\]>)?<\/Label>/g,
    )) {
      const key = /\bKey="(-?\d{1,9})"/.exec(attributes!);
      if (key) names.set(Number(key[1]), unescaped(name!.trim()));
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
