// Reading a packed NIfTI volume beside zlib alone: one call that keeps what it unpacks, and a stream that
// drops it.
//
//   node --expose-gc benchmarks/read-volume.mjs [--rounds 5]
//
// Rounds alternate between the three. Prints the median seconds of each. The first touch of fresh memory is
// part of reading and of the one call. A process of its own then reads the volume once: the peak of its
// resident memory above what it had, by the bytes of the voxels (Linux).
import { spawnSync } from "node:child_process";
import { createReadStream, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";
import { createGunzip, gunzip, gzipSync } from "node:zlib";
import { readVolume } from "@pixelcal/io";

const text = { type: "string" };
const { values } = parseArgs({ options: { rounds: { ...text, default: "5" }, once: text, warm: text } });
const dims = [512, 512, 400];
const count = dims[0] * dims[1] * dims[2];

/** Returns a NIfTI-1 header and room for the voxels. */
function withHeader(dims) {
  const bytes = Buffer.alloc(352 + 2 * dims[0] * dims[1] * dims[2]);
  bytes.writeInt32LE(348, 0);
  for (const [i, size] of [3, ...dims].entries()) bytes.writeInt16LE(size, 40 + 2 * i);
  bytes.writeInt16LE(4, 70);
  bytes.writeInt16LE(16, 72);
  for (let i = 0; i < 4; i++) bytes.writeFloatLE(1, 76 + 4 * i);
  bytes.writeFloatLE(352, 108);
  bytes.writeUInt8(2, 123);
  bytes.write("n+1\0", 344, "latin1");
  return bytes;
}

/** Makes a file of a few voxels, which loads the reader. */
const smallFile = () => withHeader([4, 4, 4]);

/** Makes a file of int16 noise over a ramp, which packs to three quarters. */
function file() {
  const bytes = withHeader(dims);
  let state = 1;
  for (let i = 0; i < count; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    bytes.writeInt16LE(((i % 512) + (state >> 20)) & 1023, 352 + 2 * i);
  }
  return gzipSync(bytes, { level: 1 });
}

/** Reads `path` once, and prints the most memory it took, by the bytes of the voxels. */
async function once(path, small) {
  const memory = (field) =>
    1024 * Number(new RegExp(`${field}:\\s+(\\d+)`).exec(readFileSync("/proc/self/status", "utf8"))[1]);
  await readVolume(small);
  globalThis.gc?.();
  // Resets the peak to what is resident now.
  writeFileSync("/proc/self/clear_refs", "5");
  const before = memory("VmRSS");
  const { data } = await readVolume(path);
  console.log(`peak memory / voxels ${((memory("VmHWM") - before) / data.byteLength).toFixed(3)}`);
}

if (values.once !== undefined) {
  await once(values.once, values.warm);
  process.exit(0);
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
  if (process.platform === "linux") {
    const small = join(folder, "small.nii.gz");
    writeFileSync(small, gzipSync(smallFile()));
    const script = fileURLToPath(import.meta.url);
    spawnSync(process.execPath, ["--expose-gc", script, "--once", path, "--warm", small], {
      stdio: "inherit",
    });
  }
  console.log(`readVolume / kept ${(median(seconds.readVolume) / median(seconds.kept)).toFixed(2)}`);
} finally {
  rmSync(folder, { recursive: true });
}
