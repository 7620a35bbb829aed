import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { labelHash, labelHashSync } from "../index.js";
import type { Labels } from "../tensor.js";

/** Returns the labels in each type that holds them. */
function typesOf(numbers: readonly number[]): readonly Labels[] {
  const dims = [numbers.length];
  const bytes = numbers.every((label) => label >= 0 && label <= 255);
  return [
    { type: "int64", dims, data: BigInt64Array.from(numbers, BigInt) },
    { type: "int32", dims, data: Int32Array.from(numbers) },
    ...(bytes ? [{ type: "uint8", dims, data: Uint8Array.from(numbers) } as const] : []),
  ];
}

/** The twin: Node's own hash. */
function twin(numbers: readonly number[]): string {
  const bytes = numbers.every((label) => label >= 0 && label <= 255);
  const hash = createHash("sha256").update(`${bytes ? 1 : 8}:${numbers.length}:`);
  return hash
    .update(bytes ? Uint8Array.from(numbers) : Float64Array.from(numbers))
    .digest("hex")
    .slice(0, 32);
}

test("the hash is that of the numbers and their shape, whatever the type", async () => {
  const many = Array.from({ length: 100_001 }, (_, i) => i % 256);
  for (const numbers of [[0], [0, 1, 255], [0, 1, -1], [256], many, [...many, -7]]) {
    for (const labels of typesOf(numbers)) {
      expect(labelHashSync(labels)).toBe(twin(numbers));
      expect(await labelHash(labels)).toBe(twin(numbers));
    }
  }
  const row: Labels = { type: "uint8", dims: [1, 2], data: Uint8Array.of(0, 1) };
  expect(labelHashSync(row)).not.toBe(labelHashSync({ ...row, dims: [2, 1] }));
});

test("refuses other types and options", async () => {
  const floats = { type: "float32", dims: [1], data: new Float32Array(1) } as never;
  await expect(labelHash(floats)).rejects.toThrow("labels: expected type uint8 or int32 or int64");
  const labels = typesOf([1])[0]!;
  await expect(labelHash(labels, { signall: 1 } as never)).rejects.toThrow("options.signall: unknown option");
  await expect(labelHash(labels, { signal: AbortSignal.abort("gone") })).rejects.toBe("gone");
});
