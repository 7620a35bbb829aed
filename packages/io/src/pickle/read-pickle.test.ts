import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { FormatError } from "../errors.js";
import { readNnunetGrid } from "../layouts/nnunet-grid.js";
import { readPickle } from "./read-pickle.js";

const golden = (protocol: number): string =>
  new URL(`../../test/golden/properties-${protocol}.pkl`, import.meta.url).pathname;
const asJson = (value: unknown): unknown => {
  if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [key, asJson(item)]));
  return Array.isArray(value) ? value.map(asJson) : value;
};

const box = [
  [0, 10],
  [1, 14],
  [0, 12],
];
const properties = {
  sitk_stuff: {
    spacing: [0.9, 0.8, 2.5],
    origin: [-40, -30, -55],
    direction: [1, 0, 0, 0, -1, 0, 0, 0, 1],
  },
  nibabel_stuff: {
    original_affine: [
      [1.5, 0, 0, -4],
      [0, 2, 0, 5],
      [0, 0, 3, 6],
      [0, 0, 0, 1],
    ],
  },
  spacing: [2.5, 0.8, 0.9],
  shape_before_cropping: [10, 14, 12],
  bbox_used_for_cropping: box,
  more: [null, true, false, -5, 2 ** 40, 0.5, [1, -2], true, "é".repeat(200), Uint8Array.of(97, 98)],
  again: box,
};

test.each([3, 4, 5])("the properties that nnU-Net stores, protocol %i", async (protocol) => {
  const read = await readPickle(golden(protocol));
  expect(asJson(read)).toEqual(properties);
  if (!(read instanceof Map)) throw new Error("expected a dictionary");
  expect(read.get("again")).toBe(read.get("bbox_used_for_cropping"));
});

test("the grid of a prediction: spacing, origin and directions by row; an affine in RAS", async () => {
  expect(await readNnunetGrid(golden(4), [12, 14, 10])).toEqual({
    shape: [12, 14, 10],
    spacing: [0.9, 0.8, 2.5],
    origin: [-40, -30, -55],
    direction: [
      [1, 0, 0],
      [0, -1, 0],
      [0, 0, 1],
    ],
  });
  await expect(readNnunetGrid(golden(4), [12, 14])).rejects.toThrow(
    /properties-4\.pkl: sitk_stuff\.spacing: expected 2 numbers, got 3/,
  );
});

describe("refusals", () => {
  const bytes = (...parts: (string | number)[]): Uint8Array =>
    Uint8Array.from(
      parts.flatMap((part) =>
        typeof part === "number" ? [part] : [...part].map((character) => character.charCodeAt(0)),
      ),
    );
  const head = [0x80, 4] as const;

  test.each<[string, Uint8Array, string]>([
    [
      "a call of the system",
      bytes(0x80, 2, "cposix\nsystem\nX", 2, 0, 0, 0, "ls", 0x85, "R."),
      "posix.system",
    ],
    [
      "the same by its name on the stack",
      bytes(...head, 0x8c, 2, "os", 0x8c, 6, "system", 0x93, "."),
      "os.system",
    ],
    ["a builtin", bytes(0x80, 2, "cbuiltins\neval\n."), "builtins.eval"],
    ["a class of one's own", bytes(...head, 0x8c, 1, "m", 0x8c, 1, "C", 0x93, ")", 0x81, "."), "m.C"],
    ["an instance", bytes(...head, ")i"), 'opcode "i"'],
    ["a name of a prototype", bytes(0x80, 2, "c__proto__\ntoString\n."), "__proto__.toString"],
    ["a persistent id", bytes(...head, "Q"), 'opcode "Q"'],
    ["a later protocol", bytes(0x80, 6, "N."), "protocol 6; 2 to 5 are read"],
    ["an end that is missing", bytes(...head, "N"), "ended early"],
    [
      "a text longer than the file",
      bytes(...head, "X", 0xff, 0xff, 0xff, 0x7f),
      "ended early: 2147483647 bytes",
    ],
    ["nothing to return", bytes(...head, "."), "takes a value where none is left"],
    ["a mark for a value", bytes(...head, "(."), "takes a mark for a value"],
    ["two values", bytes(...head, "NN."), "values are left over"],
    ["a value that nothing remembers", bytes(...head, "h", 7, "."), "recalls value 7"],
    ["items of a list", bytes(...head, "]NNs."), "sets items of no dictionary"],
    ["a state of a list", bytes(...head, "])b."), "expected a type of NumPy's values"],
    ["a type for a value", bytes(0x80, 2, "cnumpy\nndarray\n."), "holds a type, not a value"],
    ["objects of NumPy", bytes(0x80, 2, "cnumpy\ndtype\nX", 2, 0, 0, 0, "O8", 0x85, "R."), "type O8"],
    ["a long of 9 bytes", bytes(...head, 0x8a, 9, "123456789."), "9 bytes; expected 8 at most"],
    ["a long that doubles round", bytes(...head, 0x8a, 8, 1, 0, 0, 0, 0, 0, 64, 0, "."), "exceeds 2^53"],
  ])("%s", async (_, pickle, message) => {
    const error = await readPickle(pickle, { source: "a.pkl" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(FormatError);
    expect((error as Error).message).toMatch(/^a\.pkl: pickle: .*\(at byte \d+\)$/s);
    expect((error as Error).message).toContain(message);
  });

  test("a file that is cut anywhere, and one that doubles a list a thousand times", async () => {
    const whole = await readFile(golden(4));
    for (let end = 0; end < whole.length; end += 7)
      await expect(readPickle(whole.subarray(0, end))).rejects.toThrow(FormatError);
    const doubling = Array.from({ length: 1000 }, () => ["(", "h", 0, "h", 0, "l", "q", 0]).flat();
    await expect(readPickle(bytes(...head, "]q", 0, ...doubling, "."))).rejects.toThrow(
      "values are left over",
    );
  });
});
