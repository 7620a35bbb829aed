import { expect, test } from "vitest";
import { float16ToFloat32, float32ToFloat16 } from "./index.js";

test("every bit pattern survives a round trip", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const back = float32ToFloat16(float16ToFloat32(bits));
  const wrong = bits.filter((i) => {
    const notNumber = (i & 0x7c00) === 0x7c00 && (i & 0x3ff) !== 0;
    return (back[i]! & (notNumber ? 0x7fff : 0xffff)) !== (notNumber ? 0x7e00 : i);
  });
  expect([...wrong]).toEqual([]);
});

test("rounding is to the nearest value, ties to even", () => {
  const cases: readonly (readonly [number, number])[] = [
    [1 + 2 ** -11, 1],
    [1 + 3 * 2 ** -11, 1 + 2 ** -9],
    [1 + 2 ** -11 + 2 ** -20, 1 + 2 ** -10],
    [65519, 65504],
    [65520, Number.POSITIVE_INFINITY],
    [-1e30, Number.NEGATIVE_INFINITY],
    [2 ** -25, 0],
    [1.5 * 2 ** -25, 2 ** -24],
    [2.5 * 2 ** -24, 2 ** -23],
    [2 ** -14 - 2 ** -25, 2 ** -14],
    [1e-40, 0],
    [0.1, 0.0999755859375],
  ];
  for (const [value, expected] of cases) {
    expect(float16ToFloat32(float32ToFloat16(Float32Array.of(value)))[0]).toBe(expected);
  }
});

// Node has Float16Array since version 24.
const Float16Array = (globalThis as { Float16Array?: new (buffer: ArrayBufferLike) => Uint16Array })
  .Float16Array;
test.skipIf(Float16Array === undefined)("a Float16Array (Node 24 or newer) widens as its bits", () => {
  const bits = Uint16Array.of(0x3c00, 0x3800, 0xc000);
  expect([...float16ToFloat32(new Float16Array!(bits.buffer))]).toEqual([1, 0.5, -2]);
});
