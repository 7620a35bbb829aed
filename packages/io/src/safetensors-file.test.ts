import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { elementCount, InvalidArgumentError, Random, type Tensor, tensor } from "@pixelcal/core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FormatError } from "./errors.js";
import { writeSafetensors } from "./safetensors.js";
import { SafetensorsFile } from "./safetensors-file.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "safetensors-file-"));
});
afterAll(() => rm(folder, { recursive: true }));

const arrays: Readonly<Record<string, Tensor>> = {
  line: tensor(
    "uint8",
    Uint8Array.from({ length: 7 }, (_, i) => i),
    [7],
  ),
  plane: tensor(
    "int32",
    Int32Array.from({ length: 15 }, (_, i) => i - 3),
    [3, 5],
  ),
  wide: tensor(
    "int64",
    BigInt64Array.from({ length: 24 }, (_, i) => BigInt(i)),
    [2, 3, 4],
  ),
  volume: tensor(
    "float32",
    Float32Array.from({ length: 240 }, (_, i) => i / 7),
    [2, 4, 5, 6],
  ),
  one: tensor("float64", Float64Array.of(2.5), []),
};

/** Element by element. */
function boxOf({ dims, data }: Tensor, origin: readonly number[], size: readonly number[]): unknown[] {
  return Array.from({ length: elementCount(size) }, (_, i) => {
    let [rest, at, stride] = [i, 0, 1];
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      at += (origin[axis]! + (rest % size[axis]!)) * stride;
      rest = Math.floor(rest / size[axis]!);
      stride *= dims[axis]!;
    }
    return data[at];
  });
}

test("any box of any array is what reading the whole array gives", async () => {
  const path = join(folder, "arrays.safetensors");
  await writeSafetensors(path, { tensors: arrays, metadata: { kind: "test" } }, { checksum: true });
  await using file = await SafetensorsFile.open(path);
  expect(file.metadata.kind).toBe("test");
  const random = Random.fromSeed(1);
  for (const [name, array] of Object.entries(arrays)) {
    const { dims, type } = array;
    expect(file.dims[name]).toEqual(dims);
    const whole = { origin: dims.map(() => 0), size: dims };
    const drawn = Array.from({ length: 30 }, () => {
      const origin = dims.map((n) => random.integer(n));
      return { origin, size: dims.map((n, axis) => 1 + random.integer(n - origin[axis]!)) };
    });
    for (const { origin, size } of [whole, ...drawn]) {
      const part = await file.readPart(name, origin, size);
      expect([part.type, part.dims, [...part.data]]).toEqual([type, size, boxOf(array, origin, size)]);
    }
  }
});

test("boxes beyond an array, arrays that are not there and damaged files are named", async () => {
  const path = join(folder, "faults.safetensors");
  await writeSafetensors(path, { tensors: arrays, metadata: {} });
  await using file = await SafetensorsFile.open(path);
  const faults = [
    [
      [0, 0],
      [3, 6],
    ],
    [
      [-1, 0],
      [1, 1],
    ],
    [
      [0, 0],
      [0, 1],
    ],
    [[0], [1]],
  ] as const;
  for (const [origin, size] of faults)
    await expect(file.readPart("plane", origin, size)).rejects.toThrow(InvalidArgumentError);
  await expect(file.readPart("plane", [0, 0], [3, 6])).rejects.toThrow(
    "size: expected a box inside of [3,5], got [3,6] at [0,0]",
  );
  await expect(file.readPart("none", [0], [1])).rejects.toThrow(`${path}: none: no such array`);
  await writeFile(join(folder, "text"), "not a safetensors file");
  await expect(SafetensorsFile.open(join(folder, "text"))).rejects.toThrow(FormatError);
});
