import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { GraphError } from "../errors.js";
import { decode, type Message, type Table } from "./wire.js";
import { encode } from "./wire-writer.js";

const inner: Table = { 1: { name: "n", kind: "int" } };
const table: Table = {
  1: { name: "int", kind: "int" },
  2: { name: "float", kind: "float" },
  3: { name: "text", kind: "string" },
  4: { name: "bytes", kind: "bytes" },
  5: { name: "ints", kind: "ints" },
  6: { name: "packed", kind: "ints", packed: true },
  7: { name: "floats", kind: "floats" },
  8: { name: "packedFloats", kind: "floats", packed: true },
  9: { name: "doubles", kind: "doubles" },
  10: { name: "texts", kind: "strings" },
  11: { name: "child", kind: "message", table: () => inner },
  2000: { name: "children", kind: "messages", table: () => inner },
};
const write = (message: Message): Buffer => Buffer.concat(encode(table, message));

test("every kind survives a round trip", () => {
  const big = BigInt64Array.of(
    0n,
    1n,
    -1n,
    127n,
    128n,
    2n ** 63n - 1n,
    -(2n ** 63n),
    2n ** 32n,
    -(2n ** 31n),
  );
  const message: Message = {
    int: -3,
    float: 0.5,
    text: "ä€😀",
    bytes: Uint8Array.of(0, 255),
    ints: big,
    packed: big,
    floats: Float32Array.of(1.5, Number.NaN),
    packedFloats: Float32Array.of(-0, Number.POSITIVE_INFINITY),
    doubles: Float64Array.of(Math.PI),
    texts: ["", "a"],
    child: { n: 2 ** 40 },
    children: [{}, { n: 0 }],
  };
  const bytes = write(message);
  const read = decode(table, bytes);
  expect({ ...read, bytes: Uint8Array.from(read.bytes as Uint8Array) }).toEqual(message);
  expect(write(read).equals(bytes)).toBe(true);
});

test("the examples of the format's documentation", () => {
  expect(decode(table, Buffer.from("089601", "hex"))).toEqual({ int: 150 });
  expect(decode(table, Buffer.from("1a0774657374696e67", "hex"))).toEqual({ text: "testing" });
  expect(decode(table, Buffer.from("3206038e029ea705", "hex"))).toEqual({
    packed: BigInt64Array.of(3n, 270n, 86942n),
  });
  expect(decode(table, Buffer.from("5a03089601", "hex"))).toEqual({ child: { n: 150 } });
  expect(write({ int: -1 }).toString("hex")).toBe("08ffffffffffffffffff01");
});

test("lists are read packed and one by one, also mixed", () => {
  const bytes = Buffer.concat([Buffer.from([0x28, 5]), Buffer.from([0x2a, 2, 6, 7]), Buffer.from([0x28, 8])]);
  expect(decode(table, bytes)).toEqual({ ints: BigInt64Array.of(5n, 6n, 7n, 8n) });
});

test("unknown fields come back byte for byte", () => {
  const unknown = [
    Buffer.from([0x68, 150, 1]),
    Buffer.from([0x71, 1, 2, 3, 4, 5, 6, 7, 8]),
    Buffer.from([0x7a, 2, 65, 66]),
    Buffer.from([0x85, 1, 1, 2, 3, 4]),
  ];
  const bytes = Buffer.concat([write({ int: 7 }), ...unknown]);
  const message = decode(table, bytes);
  expect(message.int).toBe(7);
  expect(write(message).equals(bytes)).toBe(true);
});

test("numbers beyond 64 bits are written as the nearest that fits", () => {
  expect(decode(table, write({ ints: [2 ** 63, -(2 ** 70), 1.9, -1.9] })).ints).toEqual(
    BigInt64Array.of(2n ** 63n - 1n, -(2n ** 63n), 1n, -1n),
  );
});

test("large blocks are neither copied to be read nor to be written", () => {
  const block = new Uint8Array(10_000).fill(3);
  expect(encode(table, { int: 1, bytes: block })).toContain(block);
  const bytes = write({ bytes: block });
  expect((decode(table, bytes).bytes as Uint8Array).buffer).toBe(bytes.buffer);
});

describe("malformed", () => {
  test.each([
    ["truncated tag", "80", /truncated number/],
    ["endless number", "08ffffffffffffffffffffff01", /more than 10 bytes/],
    ["length past the end", "1a05616263", /a length beyond the end/],
    ["length of 2^63", "1affffffffffffffff7f", /a length beyond the end/],
    ["field 0", "0000", /a field without a number/],
    ["wire type 3", "6b", /wire type 3/],
    ["float cut", "15000000", /truncated number/],
    ["text for a number", "0a0161", /int of wire type 2/],
    ["number for a text", "1801", /text of wire type 0/],
    ["text that is not UTF-8", "1a02c328", /not UTF-8/],
    ["a block of floats that is cut", "3a03000000", /a block of numbers that is cut/],
    ["a packed number that is cut", "320180", /truncated number/],
    ["a child past its end", "5a020880", /truncated number/],
  ])("%s", (_, hex, message) => {
    expect(() => decode(table, Buffer.from(hex, "hex"))).toThrow(GraphError);
    expect(() => decode(table, Buffer.from(hex, "hex"))).toThrow(message);
  });

  test("any bytes decode or are a GraphError, and decoded ones keep their meaning", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        let message: Message;
        try {
          message = decode(table, bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(GraphError);
          return;
        }
        expect(decode(table, new Uint8Array(write(message)))).toEqual(message);
      }),
      { numRuns: 5000, seed: 5 },
    );
  });
});
