import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { crc32 } from "node:zlib";
import { describe, expect, test } from "vitest";
import { ZipFile } from "yazl";
import { atOnce, byTurns } from "./turns.js";
import { crcSteps, type ZipEntry, zipPieces } from "./zip-writer.js";

const noise = (length: number): Uint8Array =>
  Uint8Array.from({ length }, (_, i) => (Math.imul(i, 2654435761) >>> 24) & (i % 5 === 0 ? 255 : 3));
const files: readonly (readonly [string, Uint8Array])[] = [
  ["empty.npy", new Uint8Array(0)],
  ["short.npy", Uint8Array.of(1, 2, 3)],
  ["zeros.npy", new Uint8Array(300_000)],
  ["long.npy", noise(3_000_001)],
];

/** The archive of the library that wrote archives before. */
async function twin(level: number, longest: number): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, bytes] of files) {
    const mtime = new Date(1980, 0, 1);
    const options = { mtime, forceDosTimestamp: true, compress: level > 0, compressionLevel: level };
    if (bytes.length < longest) zip.addBuffer(Buffer.from(bytes), name, options);
    else zip.addReadStream(Readable.from([Buffer.from(bytes)], { objectMode: false }), name, options);
  }
  zip.end();
  return buffer(zip.outputStream as Readable);
}

/** The same files in pieces of other lengths. */
const entries = (length: number): readonly ZipEntry[] =>
  files.map(([name, bytes]) => ({
    name,
    size: bytes.length,
    parts: function* () {
      for (let at = 0; at < bytes.length; at += length) yield bytes.subarray(at, at + length);
    },
  }));

describe.each([0, 1, 6, 9])("archives of level %i", (level) => {
  test.each([2 ** 29, 1000])(
    "are those of yazl, with files of %i bytes packed while written",
    async (longest) => {
      const expected = await twin(level, longest);
      for (const length of [7_777, 2 ** 24]) {
        const archive = await buffer(Readable.from(zipPieces(entries(length), level, longest)));
        expect(archive.equals(expected)).toBe(true);
      }
    },
  );
});

test("an archive that is no longer wanted leaves nothing behind", async () => {
  for await (const piece of zipPieces(entries(1 << 20), 6, 1000)) {
    expect(piece.length).toBeGreaterThan(0);
    break;
  }
});

test("checksums in steps are those at once", async () => {
  const bytes = noise(2_500_000);
  expect(atOnce(crcSteps(bytes))).toBe(crc32(bytes));
  expect(await byTurns(crcSteps(bytes.subarray(1000), crc32(bytes.subarray(0, 1000))))).toBe(crc32(bytes));
  expect(atOnce(crcSteps(new Uint8Array(0), 5))).toBe(5);
});

test("work in turns stops when its signal is aborted", async () => {
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  let steps = 0;
  const work = byTurns(
    (function* () {
      for (;;) {
        if (++steps === 3) controller.abort(reason);
        yield;
      }
    })(),
    controller.signal,
  );
  await expect(work).rejects.toBe(reason);
  expect(steps).toBe(3);
});
