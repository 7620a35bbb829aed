// Reading a packed NIfTI volume beside zlib alone: one call that keeps what it unpacks, and a stream that
// drops it.
//
//   node --expose-gc benchmarks/read-volume.mjs [--rounds 5]
//
// Rounds alternate between the three. Prints the median seconds of each. The first touch of fresh memory is
// part of reading and of the one call.
import { createReadStream, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { parseArgs, promisify } from "node:util";
import { createGunzip, gunzip, gzipSync } from "node:zlib";
import { readVolume } from "@pixelcal/io";

const { values } = parseArgs({ options: { rounds: { type: "string", default: "5" } } });
const dims = [512, 512, 400];
const count = dims[0] * dims[1] * dims[2];

/** Makes a NIfTI-1 file of int16 noise over a ramp, which packs to three quarters. */
function file() {
  const bytes = Buffer.alloc(352 + 2 * count);
  bytes.writeInt32LE(348, 0);
  for (const [i, size] of [3, ...dims].entries()) bytes.writeInt16LE(size, 40 + 2 * i);
  bytes.writeInt16LE(4, 70);
  bytes.writeInt16LE(16, 72);
  for (let i = 0; i < 4; i++) bytes.writeFloatLE(1, 76 + 4 * i);
  bytes.writeFloatLE(352, 108);
  bytes.writeUInt8(2, 123);
  bytes.write("n+1\0", 344, "latin1");
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes.writeInt16LE(((i % 512) + (state >> 20)) & 1023, 352 + 2 * i);
  }
  return gzipSync(bytes, { level: 1 });
}

const median = (list) => list.toSorted((a, b) => a - b)[list.length >> 1];

const folder = mkdtempSync(join(tmpdir(), "pixelcal-read-volume-"));
try {
  const path = join(folder, "image.nii.gz");
  writeFileSync(path, file());
  globalThis.gc?.();
  const dropped = async () => {
    const stream = createGunzip({ chunkSize: 2 ** 20 });
    stream.resume();
    await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), stream);
  };
  const kept = async () => promisify(gunzip)(await readFile(path), { chunkSize: 2 * count + 353 });
  const seconds = { dropped: [], kept: [], readVolume: [] };
  for (let round = 0; round < Number(values.rounds); round++)
    for (const [name, run] of Object.entries({ readVolume: () => readVolume(path), dropped, kept })) {
      globalThis.gc?.();
      const start = performance.now();
      await run();
      seconds[name].push((performance.now() - start) / 1000);
    }
  for (const [name, list] of Object.entries(seconds)) console.log(`${name} ${median(list).toFixed(2)} s`);
  console.log(`readVolume / kept ${(median(seconds.readVolume) / median(seconds.kept)).toFixed(2)}`);
} finally {
  rmSync(folder, { recursive: true });
}
