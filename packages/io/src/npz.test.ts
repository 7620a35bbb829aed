import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { crc32, deflateRawSync } from "node:zlib";
import type { Tensor } from "@pixelcal/core";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { encodeNpy, encodeNpz, FormatError, readNpz, writeNpz } from "./index.js";

const image: Tensor = { type: "float32", dims: [1, 2, 2], data: Float32Array.of(0.5, 1, 2, 3) };
const label: Tensor = { type: "int64", dims: [2, 2], data: BigInt64Array.of(0n, 1n, 2n, 3n) };

interface Part {
  readonly name: string;
  readonly bytes: Uint8Array;
  readonly crc?: number;
  readonly size?: number;
  readonly packedSize?: number;
  readonly method?: number;
  readonly flags?: number;
  readonly at?: number;
}

/** Writes a ZIP archive by hand, so that every field of its index can lie. */
function zip(parts: readonly Part[]): Buffer {
  const locals: Buffer[] = [];
  const central: Buffer[] = [];
  let offset = 0;
  for (const part of parts) {
    const { name, bytes, method = 0, flags = 0 } = part;
    const packed = method === 8 ? deflateRawSync(bytes) : Buffer.from(bytes);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(flags, 2);
    fields.writeUInt16LE(method, 4);
    fields.writeUInt32LE(part.crc ?? crc32(bytes), 10);
    fields.writeUInt32LE(part.packedSize ?? packed.length, 14);
    fields.writeUInt32LE(part.size ?? bytes.length, 18);
    fields.writeUInt16LE(name.length, 22);
    locals.push(Buffer.concat([Buffer.from("PK\x03\x04"), fields, Buffer.from(name), packed]));
    const tail = Buffer.alloc(14);
    tail.writeUInt32LE(part.at ?? offset, 10);
    central.push(Buffer.concat([Buffer.from("PK\x01\x02\x14\x00"), fields, tail, Buffer.from(name)]));
    offset += locals.at(-1)!.length;
  }
  const index = Buffer.concat(central);
  const end = Buffer.alloc(22);
  end.write("PK\x05\x06", "latin1");
  end.writeUInt16LE(parts.length, 8);
  end.writeUInt16LE(parts.length, 10);
  end.writeUInt32LE(index.length, 12);
  end.writeUInt32LE(offset, 16);
  return Buffer.concat([...locals, index, end]);
}
const npyBytes = (tensor: Tensor): Buffer => Buffer.concat(encodeNpy(tensor));

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "npz-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe("round trip", () => {
  test.each([0, 1, 6])("level %i", async (level) => {
    const path = join(folder, `deep/er/${level}.npz`);
    await writeNpz(path, { image, label }, { level });
    expect(await readNpz(path)).toEqual({ image, label });
    expect(await readNpz(path, { keys: ["label", "other"] })).toEqual({ label });
    // Only the file is left, and the same arrays give the same bytes.
    expect((await readdir(join(folder, "deep/er"))).filter((name) => name.endsWith(".tmp"))).toEqual([]);
    expect(Buffer.compare(readFileSync(path), await encodeNpz({ image, label }, { level }))).toBe(0);
  });

  test("no arrays, a scalar and an empty array", async () => {
    expect(await readNpz(await encodeNpz({}))).toEqual({});
    const scalar: Tensor = { type: "float64", dims: [], data: Float64Array.of(2) };
    const empty: Tensor = { type: "int32", dims: [0, 3], data: new Int32Array(0) };
    expect(await readNpz(await encodeNpz({ scalar, empty }))).toEqual({ scalar, empty });
  });

  test("an empty mask packs a thousand times and is read", async () => {
    const mask: Tensor = { type: "int64", dims: [512, 512], data: new BigInt64Array(512 * 512) };
    const bytes = await encodeNpz({ mask });
    expect(bytes.length * 500).toBeLessThan(mask.data.byteLength);
    expect((await readNpz(bytes)).mask!.data.length).toBe(512 * 512);
  });

  test("files of numpy.savez and numpy.savez_compressed", async () => {
    const golden = (name: string): string =>
      fileURLToPath(new URL(`../test/golden/${name}`, import.meta.url));
    for (const name of ["stored.npz", "deflated.npz"]) {
      const arrays = await readNpz(golden(name));
      expect(Object.keys(arrays).sort()).toEqual([
        "big_endian",
        "flags",
        "fortran",
        "half",
        "image",
        "label",
        "scalar",
      ]);
      expect(Array.from(arrays.image!.data, Number)).toEqual([0, 0.5, 1, 1.5, 2, 2.5]);
      expect(arrays.image).toMatchObject({ type: "float32", dims: [1, 2, 3] });
      expect(arrays.label).toEqual({
        type: "int64",
        dims: [2, 3],
        data: BigInt64Array.of(0n, 1n, 2n, 3n, 4n, 5n),
      });
      expect(arrays.fortran).toEqual({ type: "int16", dims: [2, 3], data: Int16Array.of(0, 1, 2, 3, 4, 5) });
      expect(arrays.big_endian).toEqual({ type: "float64", dims: [2], data: Float64Array.of(1.25, -3) });
      expect(arrays.half).toEqual({ type: "float16", dims: [2], data: Uint16Array.of(0x3800, 0x4000) });
      expect(arrays.flags).toEqual({ type: "bool", dims: [2], data: Uint8Array.of(1, 0) });
      expect(arrays.scalar).toEqual({ type: "float64", dims: [], data: Float64Array.of(7.5) });
    }
  });
});

describe("arguments", () => {
  test.each([-1, 10, 1.5])("level %d", async (level) => {
    await expect(encodeNpz({ image }, { level })).rejects.toThrow(/level: expected an integer from 0 to 9/);
  });
  test.each(["", "a/b", "..\\x"])("name %j", async (name) => {
    await expect(writeNpz(join(folder, "bad.npz"), { [name]: image })).rejects.toThrow(
      /arrays: expected names/,
    );
    expect(await readdir(folder)).not.toContain("bad.npz");
  });
});

describe("damaged or lying archives", () => {
  const good = npyBytes(image);
  const one = (lie: Partial<Part>): Buffer => zip([{ name: "image.npy", bytes: good, ...lie }]);
  const cases: readonly [string, () => Uint8Array, RegExp][] = [
    ["empty file", () => Buffer.alloc(0), /damaged or not a ZIP/],
    ["text", () => Buffer.from("no archive at all, but long enough to look"), /damaged or not a ZIP/],
    ["bare NPY", () => good, /damaged or not a ZIP/],
    ["wrong CRC", () => one({ crc: 1 }), /image\.npy: checksum mismatch/],
    ["wrong CRC, deflated", () => one({ crc: 1, method: 8 }), /checksum mismatch/],
    ["encrypted", () => one({ flags: 1 }), /encrypted|damaged/],
    ["unknown method", () => one({ method: 14 }), /unsupported compression method 14/],
    ["size too small", () => one({ size: 4, method: 8 }), /damaged/],
    ["size too large", () => one({ size: 400, method: 8 }), /unpacks to 144 bytes, the index says 400/],
    ["packed size past the end", () => one({ packedSize: 2 ** 31, size: 2 ** 31 }), /damaged/],
    ["offset past the end", () => one({ at: 10_000 }), /damaged/],
    [
      "no such shape",
      () => zip([{ name: "image.npy", bytes: good.subarray(0, 130) }]),
      /image: shape .* needs 16 bytes/,
    ],
    [
      "a name with a backslash",
      () => one({ name: "im\\age.npy" }),
      /invalid characters in fileName: im\\age/,
    ],
    ["twice", () => zip([1, 2].map(() => ({ name: "image.npy", bytes: good }))), /image\.npy: occurs twice/],
    [
      "overlap",
      () =>
        zip([
          { name: "a.npy", bytes: good },
          { name: "b.npy", bytes: good, at: 8 },
        ]),
      /overlaps/,
    ],
    ["parent folder", () => one({ name: "../image.npy" }), /damaged/],
    ["absolute", () => one({ name: "/image.npy" }), /damaged/],
    ["bomb", () => one({ method: 8, size: 2 ** 30 }), /over the limit of 200:1/],
  ];
  test.each(cases)("%s", async (_, make, message) => {
    const reading = readNpz(make(), { source: "case.npz" });
    await expect(reading).rejects.toThrow(FormatError);
    await expect(reading).rejects.toThrow(message);
    await expect(reading).rejects.toThrow(/^case\.npz: /);
  });

  test("limits can be narrowed", async () => {
    const bytes = await encodeNpz({ image, label });
    await expect(readNpz(bytes, { maxEntries: 1 })).rejects.toThrow(/more than 1 entries/);
    await expect(readNpz(bytes, { maxFile: 10 })).rejects.toThrow(/exceed the limit of 10/);
    await expect(readNpz(bytes, { maxElements: 3 })).rejects.toThrow(/exceeds the limit/);
    await expect(readNpz(bytes, { maxRank: 2 })).rejects.toThrow(/rank 3 exceeds/);
  });

  /** Returns an archive of deflated arrays of `size` zeros each. */
  function bomb(names: readonly string[], size: number): Buffer {
    const zeros = deflateRawSync(Buffer.alloc(size), { level: 9 });
    const bytes = zip(names.map((name) => ({ name: `${name}.npy`, bytes: zeros })));
    for (const signature of ["PK\x03\x04", "PK\x01\x02"]) {
      for (let at = bytes.indexOf(signature); at >= 0; at = bytes.indexOf(signature, at + 1)) {
        const fields = at + (signature.endsWith("\x04") ? 4 : 6);
        bytes.writeUInt16LE(8, fields + 4);
        bytes.writeUInt32LE(size, fields + 18);
      }
    }
    return bytes;
  }

  const bombs: readonly [string, readonly string[], number][] = [
    ["one array", ["image"], 250 * 2 ** 20],
    ["five arrays below any limit on one", ["image", "label", "probs", "spacing", "x"], 15 * 2 ** 20],
  ];
  test.each(bombs)("a bomb is refused by its declared sizes: %s", async (_, names, size) => {
    const bytes = bomb(names, size);
    expect(bytes.length).toBeLessThan(300_000);
    await expect(readNpz(bytes)).rejects.toThrow(/over the limit of 200:1; .* store it uncompressed/);
    const path = join(folder, "bomb.npz");
    await writeFile(path, bytes);
    await expect(readNpz(path)).rejects.toThrow(/bomb\.npz: its arrays would unpack from \d+ to \d+ bytes/);
    await expect(readNpz(bytes, { maxRatio: 2000, maxOutput: 2 ** 20 })).rejects.toThrow(
      /over the limit of 1048576$/,
    );
  });

  test("an index of many entries is refused by their number", async () => {
    const bytes = zip(Array.from({ length: 10_001 }, (_, i) => ({ name: `${i}`, bytes: Buffer.alloc(0) })));
    await expect(readNpz(bytes)).rejects.toThrow(/it has 10001 entries, more than 10000 entries/);
    const fewer = zip(Array.from({ length: 9999 }, (_, i) => ({ name: `${i}`, bytes: Buffer.alloc(0) })));
    expect(await readNpz(fewer)).toEqual({});
  });

  test("truncated at every byte", async () => {
    const path = join(folder, "cut.npz");
    const bytes = await encodeNpz({ image });
    for (let length = 0; length < bytes.length; length++) {
      await expect(readNpz(bytes.subarray(0, length))).rejects.toThrow(FormatError);
    }
    await writeFile(path, bytes.subarray(0, 60));
    await expect(readNpz(path)).rejects.toThrow(/cut\.npz: damaged/);
    await expect(readNpz(join(folder, "none.npz"))).rejects.toThrow(/none\.npz: no such file/);
    await expect(readNpz(folder)).rejects.toThrow(FormatError);
  });

  test("any mutation is read unchanged or is a FormatError", async () => {
    const seed = Buffer.from(await encodeNpz({ image, label }));
    const edits = fc.array(fc.tuple(fc.nat(seed.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    const property = fc.asyncProperty(edits, async (changes) => {
      const bytes = Buffer.from(seed);
      for (const [at, value] of changes) bytes[at] = value;
      const result = await readNpz(bytes).catch((error: unknown) => error);
      if (result instanceof Error) expect(result).toBeInstanceOf(FormatError);
      else
        for (const [key, array] of Object.entries({ image, label })) {
          const read = (result as Record<string, Tensor>)[key];
          if (read) expect(read).toEqual(array);
        }
    });
    await fc.assert(property, { numRuns: 1500, seed: 2 });
  });
});
