import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Tensor } from "@pixelcal/core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  FormatError,
  readCase,
  readNpy,
  readNpz,
  readRegularFile,
  readRegularFileSync,
  readSafetensors,
  writeNpy,
  writeNpz,
  writeSafetensors,
} from "./index.js";

const numbers = Float32Array.from({ length: 5000 }, (_, i) => Math.sin(i));
const image: Tensor = { type: "float32", dims: [1, 50, 100], data: numbers };
const label: Tensor = {
  type: "uint8",
  dims: [50, 100],
  data: Uint8Array.from(numbers, (x) => (x > 0 ? 1 : 0)),
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "regular-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("files are read in pieces of any size", () => {
  test.each([64, 1000, 4096, 2 ** 30])("%i bytes", async (readSize) => {
    const at = (name: string): string => join(folder, name);
    await writeNpy(at("a.npy"), image);
    expect(await readNpy(at("a.npy"), { readSize })).toEqual(image);
    await writeSafetensors(
      at("a.safetensors"),
      { tensors: { image, label }, metadata: {} },
      { checksum: true },
    );
    expect({ ...(await readSafetensors(at("a.safetensors"), { readSize })).tensors }).toEqual({
      image,
      label,
    });
    for (const level of [0, 6]) {
      await writeNpz(at("a.npz"), { image, label }, { level });
      expect(await readNpz(at("a.npz"), { readSize })).toEqual({ image, label });
    }
    await writeFile(at("plain"), numbers);
    for (const bytes of [
      await readRegularFile(at("plain"), { readSize }),
      readRegularFileSync(at("plain"), { readSize }),
    ])
      expect(Buffer.compare(bytes, new Uint8Array(numbers.buffer))).toBe(0);
  });
});

const readers: readonly [string, (path: string) => unknown][] = [
  ["readNpy", readNpy],
  ["readNpz", readNpz],
  ["readCase", readCase],
  ["readSafetensors", readSafetensors],
  ["readRegularFile", readRegularFile],
  ["readRegularFileSync", async (path) => readRegularFileSync(path)],
];

describe.each(readers)("%s refuses at once", (_, read) => {
  test.runIf(process.platform !== "win32")(
    "a named pipe that nobody writes to (not on Windows)",
    async () => {
      const path = join(folder, "pipe");
      if (!existsSync(path)) execFileSync("mkfifo", [path]);
      await expect(read(path)).rejects.toThrow(FormatError);
      await expect(read(path)).rejects.toThrow(/pipe: is a named pipe, expected a file/);
    },
  );
  test.runIf(existsSync("/dev/zero"))("a device (needs /dev/zero)", async () => {
    await expect(read("/dev/zero")).rejects.toThrow(/\/dev\/zero: is a device, expected a file/);
  });
  test.runIf(process.platform !== "win32")("a socket (not on Windows)", async () => {
    const path = join(folder, "socket");
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(path, resolve));
    await expect(read(path)).rejects.toThrow(/socket: is a socket/);
    await new Promise((resolve) => server.close(resolve));
  });
  test("a folder, and a name that is not there", async () => {
    await expect(read(folder)).rejects.toThrow(/is a directory, expected a file/);
    await expect(read(join(folder, "none"))).rejects.toThrow(/none: no such file/);
    await expect(read(join(folder, "plain", "x"))).rejects.toThrow(FormatError);
  });
});

test("a file over the limit is not read", async () => {
  const path = join(folder, "plain");
  await expect(readRegularFile(path, { maxFile: 100 })).rejects.toThrow(
    /20000 bytes exceed the limit of 100/,
  );
  expect(() => readRegularFileSync(path, { maxFile: 100 })).toThrow(/exceed the limit of 100/);
  await expect(readNpy(join(folder, "a.npy"), { maxFile: 100 })).rejects.toThrow(/exceed the limit of 100/);
  await expect(readSafetensors(join(folder, "a.safetensors"), { maxFile: 100 })).rejects.toThrow(
    /exceed the limit of 100/,
  );
});
