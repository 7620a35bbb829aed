import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FormatError, listCases, listFolder } from "./index.js";

let root: string;
const at = (...parts: string[]): string => join(root, ...parts);
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-folder-"));
  await mkdir(at("store", "run"), { recursive: true });
  await writeFile(at("store", "b.npz"), "");
  await mkdir(at("mixed"));
  for (const name of ["c.npz", "._c.npz", ".hidden.npz", ".DS_Store", "notes.txt"])
    await writeFile(at("mixed", name), "");
  await symlink(at("store", "b.npz"), at("mixed", "b.npz"));
  await symlink(at("store", "run"), at("mixed", "run"));
});
afterAll(() => rm(root, { recursive: true }));

test("links are followed, hidden names are left out, the rest is sorted", async () => {
  const { files, folders, others } = await listFolder(at("mixed"));
  expect(files).toEqual(["b.npz", "c.npz", "notes.txt"]);
  expect(folders).toEqual(["run"]);
  expect(others.size).toBe(0);
  expect(await listCases(at("mixed"))).toEqual(["b", "c"]);
});

const wrong: readonly [string, (path: string) => Promise<unknown>, RegExp][] = [
  [
    "a broken link",
    (path) => symlink("/no/such.npz", path),
    /is a link to \/no\/such\.npz, which does not lead/,
  ],
  ["a link to itself", (path) => symlink("x.npz", path), /is a link to x\.npz, which leads back to itself/],
  ["a folder", (path) => mkdir(path), /x\.npz: is a folder, expected a file/],
  ["a linked folder", (path) => symlink(at("store"), path), /x\.npz: is a folder, expected a file/],
  ["a pipe", async (path) => execFileSync("mkfifo", [path]), /x\.npz: is a pipe, a socket or a device/],
];
test.each(wrong)("%s with a case's name is refused by name", async (kind, make, message) => {
  const folder = at(`wrong ${kind}`);
  await mkdir(folder);
  await writeFile(join(folder, "a.npz"), "");
  await make(join(folder, "x.npz"));
  await expect(listCases(folder)).rejects.toThrow(FormatError);
  await expect(listCases(folder)).rejects.toThrow(message);
});

test("no folder, a file, no cases", async () => {
  await mkdir(at("empty"));
  await writeFile(at("empty", "._a.npz"), "");
  await expect(listCases(at("none"), "expected cases")).rejects.toThrow(
    /none: no such folder; expected cases/,
  );
  await expect(listCases(at("store", "b.npz"))).rejects.toThrow(/b\.npz: expected a folder, found a file/);
  await expect(listCases(at("empty"))).rejects.toThrow(/empty: no \.npz files; expected \.npz files/);
});
