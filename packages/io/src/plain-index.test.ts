import { expect, test } from "vitest";
import { type Entry, fromBuffer } from "yauzl";
import { encodeNpz, readNpz } from "./index.js";
import { plainIndex } from "./plain-index.js";
import { BytesSource } from "./regular-file.js";
import { zipPieces } from "./zip-writer.js";

const float32 = (...values: number[]) =>
  ({ type: "float32", dims: [values.length], data: Float32Array.from(values) }) as const;

async function zipped(names: readonly string[], level: number): Promise<Uint8Array> {
  const entries = names.map((name) => ({ name, size: 3, parts: () => [Uint8Array.of(1, 2, 3)] }));
  const parts: Uint8Array[] = [];
  for await (const part of zipPieces(entries, level)) parts.push(part);
  return Buffer.concat(parts);
}

/** Reads an index with yauzl. */
function entriesOf(bytes: Uint8Array): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    fromBuffer(Buffer.from(bytes), { strictFileNames: true }, (error, zip) => {
      if (error) return reject(error);
      const entries: Entry[] = [];
      zip.on("error", reject);
      zip.on("entry", (entry: Entry) => entries.push(entry));
      zip.on("end", () => resolve(entries));
    });
  });
}

const facts = (entries: readonly Awaited<ReturnType<typeof entriesOf>>[number][] | undefined) =>
  entries?.map((entry) => [
    entry.fileName,
    entry.crc32,
    entry.compressedSize,
    entry.uncompressedSize,
    entry.compressionMethod,
    entry.relativeOffsetOfLocalHeader,
    entry.isCompressed(),
    entry.isEncrypted(),
  ]);

test.each([0, 6])("agrees with yauzl (level %i), or leaves damaged archives to it", async (level) => {
  const bytes = await zipped(["probs.npy", "label.npy", "a-b_c.2"], level);
  const found = await plainIndex(new BytesSource(bytes));
  expect(found).toHaveLength(3);
  expect(facts(found as Entry[])).toEqual(facts(await entriesOf(bytes)));
  // Every byte of the index and the end changed, or cut off.
  const index = bytes.length - 22 - 3 * 46 - 25;
  for (let at = index; at < bytes.length; at++) {
    for (const value of [0, 1, 0x7f, 0xff]) {
      const other = Uint8Array.from(bytes);
      other[at] = value;
      const plain = await plainIndex(new BytesSource(other));
      if (plain) expect(facts(plain as Entry[])).toEqual(facts(await entriesOf(other)));
    }
    expect(await plainIndex(new BytesSource(bytes.subarray(0, at)))).toBeUndefined();
  }
});

test("leaves folders, other alphabets, long indexes and comments to yauzl", async () => {
  for (const names of [["a/b.npy"], ["é.npy"], [".."], Array.from({ length: 40 }, (_, i) => `${i}.npy`)])
    expect(await plainIndex(new BytesSource(await zipped(names, 0)))).toBeUndefined();
  const commented = Buffer.concat([await zipped(["a.npy"], 0), Buffer.from("hi")]);
  commented.writeUInt16LE(2, commented.length - 4);
  expect(await plainIndex(new BytesSource(commented))).toBeUndefined();
  expect(await plainIndex(new BytesSource(new Uint8Array(5)))).toBeUndefined();
});

test("stored arrays are aligned views, whatever the lengths of local extra fields", async () => {
  const arrays = { a: float32(1, 2, 3), names_of_all_lengths: float32(...Array(3000).keys()) };
  const bytes = await encodeNpz(arrays, { level: 0 });
  // The first local header gets an extra field, as NumPy's have one, which moves what follows.
  const extra = Buffer.alloc(20);
  extra.writeUInt16LE(1, 0);
  extra.writeUInt16LE(16, 2);
  const name = 30 + "a.npy".length;
  const moved = Buffer.concat([bytes.subarray(0, name), extra, bytes.subarray(name)]);
  moved.writeUInt16LE(20, 28);
  const end = moved.length - 22;
  const index = moved.readUInt32LE(end + 16) + 20;
  moved.writeUInt32LE(index, end + 16);
  moved.writeUInt32LE(moved.readUInt32LE(index + 46 + 5 + 42) + 20, index + 46 + 5 + 42);
  for (const archive of [bytes, moved, moved, bytes])
    expect(await readNpz(archive)).toEqual({ ...arrays, __proto__: null });
});
