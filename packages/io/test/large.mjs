// Files of more than 2^31 bytes, which one system call cannot read: `npm run test:large` runs it after the
// kernels of such sizes. Needs 6 GiB of memory. The files are sparse: no more than the pages that are touched
// lies on the disk.
import assert from "node:assert/strict";
import { mkdtemp, open, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  encodeNpy,
  encodeSafetensors,
  readNpy,
  readNpz,
  readRegularFile,
  readSafetensors,
  verifySafetensors,
  writeNpz,
} from "../dist/index.js";

const folder = await mkdtemp(join(tmpdir(), "pixelcal-large-"));
const count = 2 ** 31 - 1;
const zeros = { type: "uint8", dims: [count], data: new Uint8Array(count) };
const marks = [0, 2 ** 30, 2 ** 31 - 2];

/** Writes a sparse file: a head, and marks in the data behind it. */
async function sparse(name, head, length) {
  const path = join(folder, name);
  await writeFile(path, head);
  const file = await open(path, "r+");
  await file.truncate(head.length + length);
  for (const mark of marks) await file.write(Uint8Array.of(7), 0, 1, head.length + mark);
  await file.close();
  return path;
}

function assertMarks({ data }) {
  assert.equal(data.length, count);
  for (const mark of marks) assert.equal(data[mark], 7);
  assert.equal(data.indexOf(7, 1), 2 ** 30);
}

const cases = {
  "npy over 2 GiB": async () => {
    const path = await sparse("a.npy", encodeNpy(zeros)[0], count);
    assertMarks(await readNpy(path));
    assert.equal((await readRegularFile(path)).length, count + 128);
  },
  "safetensors over 2 GiB": async () => {
    const [head] = encodeSafetensors({ tensors: { a: zeros }, metadata: {} });
    const path = await sparse("a.safetensors", head, count);
    assertMarks((await readSafetensors(path)).tensors.a);
  },
  "a checksum over 2 GiB": async () => {
    const [head] = encodeSafetensors({ tensors: { a: zeros }, metadata: {} }, { checksum: true });
    const path = await sparse("b.safetensors", head, count);
    await assert.rejects(verifySafetensors(path), /is damaged/);
    const file = await open(path, "r+");
    for (const mark of marks) await file.write(Uint8Array.of(0), 0, 1, head.length + mark);
    await file.close();
    await verifySafetensors(path);
  },
  "npz with a member over 2 GiB": async () => {
    for (const level of [0, 1]) {
      for (const mark of marks) zeros.data[mark] = 7;
      const path = join(folder, "a.npz");
      await writeNpz(path, { zeros }, { level });
      for (const mark of marks) zeros.data[mark] = 0;
      assertMarks((await readNpz(path)).zeros);
    }
  },
};

try {
  for (const [name, run] of Object.entries(cases)) {
    const start = performance.now();
    await run();
    const gibibytes = (process.resourceUsage().maxRSS / 2 ** 20).toFixed(1);
    console.log(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${gibibytes} GiB so far`);
    globalThis.gc?.();
  }
  console.log(`${Object.keys(cases).length} passed`);
} finally {
  await rm(folder, { recursive: true });
}
