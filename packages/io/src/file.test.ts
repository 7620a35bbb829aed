import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  makeFolder,
  removeFolders,
  WriteError,
  writeError,
  writeFileAtomic,
  writeFilesAtomic,
} from "./index.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "file-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("text, bytes and chunks, replacing what was there", async () => {
  const path = join(folder, "new/sub/a.bin");
  await writeFileAtomic(path, "text");
  expect(await readFile(path, "utf8")).toBe("text");
  await writeFileAtomic(path, Uint8Array.of(1, 2));
  expect([...(await readFile(path))]).toEqual([1, 2]);
  await writeFileAtomic(path, [Uint8Array.of(3), new Uint8Array(0), Uint8Array.of(4, 5)]);
  expect([...(await readFile(path))]).toEqual([3, 4, 5]);
  expect(await readdir(join(folder, "new/sub"))).toEqual(["a.bin"]);
});

test("a failure half way leaves the old file and nothing else", async () => {
  const path = join(folder, "kept/a.bin");
  await writeFileAtomic(path, "old");
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1);
    throw new Error("disk full");
  }
  await expect(writeFileAtomic(path, broken())).rejects.toThrow("disk full");
  expect(await readFile(path, "utf8")).toBe("old");
  expect(await readdir(join(folder, "kept"))).toEqual(["a.bin"]);
});

test("of files that belong together none is replaced where one cannot be written", async () => {
  const [a, b, c] = ["a.bin", "deep/b.bin", "c.onnx"].map((name) => join(folder, "together", name)) as [
    string,
    string,
    string,
  ];
  await writeFilesAtomic([
    [a, "old a"],
    [c, "old c"],
  ]);
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1);
    throw new Error("disk full");
  }
  const writing = writeFilesAtomic([
    [a, "new a"],
    [b, broken()],
    [c, "new c"],
  ]);
  await expect(writing).rejects.toThrow("disk full");
  expect(await readdir(join(folder, "together"))).toEqual(["a.bin", "c.onnx"]);
  expect([await readFile(a, "utf8"), await readFile(c, "utf8")]).toEqual(["old a", "old c"]);
  await writeFilesAtomic([
    [a, "new a"],
    [b, "new b"],
    [c, "new c"],
  ]);
  expect(await Promise.all([a, b, c].map((path) => readFile(path, "utf8")))).toEqual([
    "new a",
    "new b",
    "new c",
  ]);
});

test("a folder in the way is an error that leaves nothing", async () => {
  const path = join(folder, "taken/a");
  await mkdir(path, { recursive: true });
  await expect(writeFileAtomic(path, "x")).rejects.toThrow(
    "taken/a: cannot be written: a folder has this name",
  );
  expect(await readdir(join(folder, "taken"))).toEqual(["a"]);
  await expect(writeFileAtomic(join(folder, "new/sub/a.bin/child"), "x")).rejects.toThrow(
    "a.bin: expected a folder, found a file",
  );
});

test("folders made for a file that cannot be written go again", async () => {
  async function* broken(): AsyncGenerator<Uint8Array> {
    yield Uint8Array.of(1);
    throw new Error("disk full");
  }
  await expect(writeFileAtomic(join(folder, "gone/sub/a.bin"), broken())).rejects.toThrow("disk full");
  expect(await readdir(folder)).not.toContain("gone");
});

test("folders that are made, and removed where they are empty", async () => {
  const [outer, inner] = [join(folder, "made"), join(folder, "made/inner")];
  expect(await makeFolder(inner)).toEqual([outer, inner]);
  expect(await makeFolder(inner)).toEqual([]);
  await writeFile(join(outer, "a"), "x");
  await removeFolders([outer, inner]);
  expect(await readdir(outer)).toEqual(["a"]);
});

// Node's own recursive mkdir never returns there.
test.runIf(existsSync("/proc/self"))("a folder that cannot be made is an error (needs /proc)", async () => {
  await expect(makeFolder("/proc/no/such")).rejects.toThrow("/proc/no/such: cannot be written: ");
  await expect(writeFileAtomic("/proc/no/such", "x")).rejects.toThrow("/proc/no: cannot be written: ");
});

test.runIf(existsSync("/dev/full"))("a full device is named (needs /dev/full)", async () => {
  expect(writeError("a.npz", await writeFile("/dev/full", "x").catch((error: unknown) => error))).toEqual(
    new WriteError("a.npz", "no space left on the device"),
  );
});

test("many writers of one file: the last to finish wins, whole", async () => {
  const path = join(folder, "race.bin");
  await Promise.all(Array.from({ length: 20 }, (_, i) => writeFileAtomic(path, Buffer.alloc(5000, i))));
  const bytes = await readFile(path);
  expect(bytes.length).toBe(5000);
  expect(new Set(bytes).size).toBe(1);
});
