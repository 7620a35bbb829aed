// ZIP archives written field by field, so that one field can be wrong while all the others are right.
import { crc32, deflateRawSync } from "node:zlib";
import { boundaries, concat } from "./mutate.mjs";

function record(signature, fields) {
  const bytes = Buffer.alloc(4 + fields.reduce((sum, [width]) => sum + width, 0));
  bytes.writeUInt32LE(signature);
  let at = 4;
  for (const [width, value] of fields) {
    bytes.writeUIntLE(Number(BigInt.asUintN(8 * width, BigInt(value))), at, width);
    at += width;
  }
  return bytes;
}

/**
 * Makes the bytes of an archive of `entries` { name, bytes, stored }. `lie(field, value)` may return another
 * value for any number that is written ("crc", "packed", "size", "offset", "method", "flags", "count",
 * "index", ...).
 */
export function archive(entries, lie = (_, value) => value) {
  const parts = [];
  const index = [];
  let offset = 0;
  for (const { name, bytes, stored } of entries) {
    const content = stored ? bytes : deflateRawSync(bytes, { level: 1 });
    const title = Buffer.from(name, "utf8");
    const described = (place) => [
      [2, lie(`${place}.version`, 20)],
      [2, lie(`${place}.flags`, 0x800)],
      [2, lie(`${place}.method`, stored ? 0 : 8)],
      [4, 0x21_0000],
      [4, lie(`${place}.crc`, crc32(bytes))],
      [4, lie(`${place}.packed`, content.length)],
      [4, lie(`${place}.size`, bytes.length)],
      [2, lie(`${place}.name`, title.length)],
      [2, lie(`${place}.extra`, 0)],
    ];
    const local = record(0x04034b50, described("local"));
    index.push(
      record(0x02014b50, [
        [2, 20],
        ...described("central"),
        [2, lie("central.comment", 0)],
        [2, lie("central.disk", 0)],
        [6, 0],
        [4, lie("central.offset", offset)],
      ]),
      title,
    );
    parts.push(local, title, content);
    offset += local.length + title.length + content.length;
  }
  const size = index.reduce((sum, part) => sum + part.length, 0);
  const end = record(0x06054b50, [
    [2, lie("end.disk", 0)],
    [2, 0],
    [2, lie("end.count", entries.length)],
    [2, lie("end.total", entries.length)],
    [4, lie("end.size", size)],
    [4, lie("end.index", offset)],
    [2, lie("end.comment", 0)],
  ]);
  return concat(...parts, ...index, end);
}

/** Makes an archive one number of which is wrong. */
export function lyingArchive(entries, random) {
  let left = random.integer(20 * entries.length + 10);
  return archive(entries, (_, value) =>
    left-- === 0
      ? Number(BigInt.asUintN(32, random.pick(boundaries) + BigInt(random.integer(3) - 1)))
      : value,
  );
}
