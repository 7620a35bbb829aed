import { lstat, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LockedError } from "@pixelcal/io";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Replaceable, writeFolder } from "./replace-folder.js";

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), "pixelcal-"));
});
afterEach(() => rm(root, { recursive: true }));

const npz: Replaceable = {
  what: "arrays",
  matches: (names) => names.every((name) => name.endsWith(".npz")),
};
const fill = (text: string) => (folder: string) => writeFile(join(folder, "a.npz"), text);

test("a new folder, then its replacement", async () => {
  const path = join(root, "preds", "run");
  await writeFolder(path, npz, fill("one"));
  await writeFolder(path, npz, fill("two"));
  expect(await readFile(join(path, "a.npz"), "utf8")).toBe("two");
  expect(await readdir(join(root, "preds"))).toEqual(["run"]);
});

test("a failure leaves nothing, or what was there", async () => {
  const path = join(root, "run");
  const failing = async (folder: string): Promise<void> => {
    await writeFile(join(folder, "b.npz"), "half");
    throw new Error("disk full");
  };
  await expect(writeFolder(path, npz, failing)).rejects.toThrow("disk full");
  expect(await readdir(root)).toEqual([]);
  await writeFolder(path, npz, fill("one"));
  await expect(writeFolder(path, npz, failing)).rejects.toThrow("disk full");
  expect(await readdir(root)).toEqual(["run"]);
  expect(await readdir(path)).toEqual(["a.npz"]);
});

test("foreign files are never replaced", async () => {
  const path = join(root, "run");
  await mkdir(path);
  await writeFile(join(path, "thesis.tex"), "");
  await expect(writeFolder(path, npz, fill("x"))).rejects.toThrow("run: is not empty and holds no arrays");
  expect(await readdir(path)).toEqual(["thesis.tex"]);
});

test("an empty folder is filled", async () => {
  const path = join(root, "run");
  await mkdir(path);
  await writeFolder(path, npz, fill("one"));
  expect(await readdir(path)).toEqual(["a.npz"]);
});

test("a file is no folder", async () => {
  await writeFile(join(root, "run"), "");
  await expect(writeFolder(join(root, "run"), npz, fill("x"))).rejects.toThrow(
    "expected a folder, found a file",
  );
});

test("what macOS leaves in a folder does not count, other hidden files do", async () => {
  const path = join(root, "run");
  await writeFolder(path, npz, fill("one"));
  for (const name of [".DS_Store", "._a.npz"]) await writeFile(join(path, name), "");
  await writeFolder(path, npz, fill("two"));
  expect(await readdir(path)).toEqual(["a.npz"]);
  await writeFile(join(path, ".gitignore"), "");
  await expect(writeFolder(path, npz, fill("three"))).rejects.toThrow("holds no arrays");
});

test("a link stays a link, and what it leads to is replaced", async () => {
  const [real, link] = [join(root, "store", "run"), join(root, "run")];
  await writeFolder(real, npz, fill("one"));
  await symlink(real, link);
  await writeFolder(link, npz, fill("two"));
  expect((await lstat(link)).isSymbolicLink()).toBe(true);
  expect(await readFile(join(real, "a.npz"), "utf8")).toBe("two");
  await rm(real, { recursive: true });
  await expect(writeFolder(link, npz, fill("three"))).rejects.toThrow(
    `run: is a link to ${real}, which does not exist; remove it`,
  );
});

describe("of writers that were killed", () => {
  const left = async (name: string, text: string): Promise<void> => {
    await mkdir(join(root, name));
    await writeFile(join(root, name, "a.npz"), text);
  };

  test("the half-made folders are swept, others stay", async () => {
    await writeFolder(join(root, "run"), npz, fill("one"));
    for (const name of [".run.999999999.tmp", ".run.999999999-0123abcd.00ff.tmp", ".run2.999999999.tmp"])
      await left(name, "half");
    await writeFolder(join(root, "run"), npz, fill("two"));
    expect((await readdir(root)).sort()).toEqual([".run2.999999999.tmp", "run"]);
    expect(await readFile(join(root, "run", "a.npz"), "utf8")).toBe("two");
  });

  const stopped = ".run.999999999-0123abcd.00ff.tmp";
  test.each([
    ["the complete new folder", [stopped, `${stopped}.old`], "new"],
    ["the old one, where there is no other", [`${stopped}.old`], "old"],
  ])("between two renames, %s comes back", async (_, names, text) => {
    for (const name of names) await left(name, name.endsWith(".old") ? "old" : "new");
    const failing = async (): Promise<void> => {
      throw new Error("disk full");
    };
    await expect(writeFolder(join(root, "run"), npz, failing)).rejects.toThrow("disk full");
    expect(await readdir(root)).toEqual(["run"]);
    expect(await readFile(join(root, "run", "a.npz"), "utf8")).toBe(text);
  });
});

test("two writers of one folder at a time are refused before the second begins", async () => {
  const path = join(root, "run");
  await writeFolder(path, npz, async (staged) => {
    await expect(writeFolder(path, npz, fill("two"))).rejects.toThrow(LockedError);
    await fill("one")(staged);
  });
  expect(await readFile(join(path, "a.npz"), "utf8")).toBe("one");
  expect(await readdir(root)).toEqual(["run"]);
});
