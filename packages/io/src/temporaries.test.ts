import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { staleTemporaries, sweepTemporaries, temporaryName, writeFileAtomic } from "./index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "temporaries-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("names do not repeat, and fit any file system", () => {
  const names = Array.from({ length: 1000 }, () => temporaryName("last.safetensors"));
  expect(new Set(names).size).toBe(1000);
  expect(Buffer.byteLength(temporaryName("\u{1F600}".repeat(60)))).toBeLessThan(255);
});

test("a file of a very long name is written", async () => {
  const name = `${"x".repeat(250)}.npz`;
  await writeFileAtomic(join(folder, "long", name), "x");
  expect(await readdir(join(folder, "long"))).toEqual([name]);
});

test("what dead processes left is swept, what living ones write is not", async () => {
  const place = join(folder, "sweep");
  const stale = [
    ".last.safetensors.999999999.3.tmp",
    ".last.safetensors.999999999-0123abcd.0123456789ab.tmp",
    // These were left by an earlier process of the same number, as in a container; by this release and by the
    // one before.
    `.last.safetensors.${process.pid}.1.tmp`,
    ...(process.platform === "linux" ? [`.last.safetensors.${process.pid}-0123abcd.0123456789ab.tmp`] : []),
    ".run.999999999.tmp",
    ".run.999999999-0123abcd.0123456789ab.tmp.old",
  ].sort();
  const kept = [
    temporaryName("last.safetensors"),
    `.last.safetensors.${process.ppid}.1.tmp`,
    "last.safetensors",
    ".hidden",
    "x.tmp",
    ".tmp",
  ];
  for (const name of [...stale, ...kept]) await mkdir(join(place, name), { recursive: true });
  await writeFile(join(place, stale[0]!, "a.npz"), "x");
  await chmod(join(place, stale[1]!), 0o400);
  expect(await staleTemporaries(place, "run")).toEqual(stale.filter((name) => name.startsWith(".run.")));
  expect(await sweepTemporaries(place)).toEqual(stale);
  expect((await readdir(place)).sort()).toEqual(kept.sort());
});
