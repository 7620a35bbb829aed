import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readVolume } from "./read-volume.js";
import { lies } from "./testing/lies.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lies-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** tools/lying-files.mjs measures the time and the memory of each. */
test.each(lies())("%s: a typed error names the file, from disk and from bytes", async (_, file, bytes) => {
  const path = join(folder, file);
  await writeFile(path, bytes);
  const expected = { name: "FormatError", code: expect.stringMatching(/^ERR_PIXELCAL_(FORMAT|LIMIT|FILE)$/) };
  await expect(readVolume(path)).rejects.toMatchObject({ ...expected, path });
  await expect(readVolume(bytes, { source: file })).rejects.toMatchObject({ ...expected, path: file });
});
