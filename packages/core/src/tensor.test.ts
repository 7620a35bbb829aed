import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { InvalidArgumentError } from "./errors.js";
import {
  arrayTypes,
  type DataType,
  elementCount,
  holds,
  sameDims,
  type TypedArrays,
  tensor,
  zeros,
} from "./tensor.js";

test("every data type has its array", () => {
  const arrays: { readonly [T in DataType]: TypedArrays[T] } = {
    float32: new Float32Array(6),
    float64: new Float64Array(6),
    float16: new Uint16Array(6),
    int64: new BigInt64Array(6),
    uint64: new BigUint64Array(6),
    int32: new Int32Array(6),
    uint32: new Uint32Array(6),
    int16: new Int16Array(6),
    uint16: new Uint16Array(6),
    int8: new Int8Array(6),
    uint8: new Uint8Array(6),
    bool: new Uint8Array(6),
  };
  for (const [type, data] of Object.entries(arrays)) {
    const made = tensor(type as DataType, data, [2, 3]);
    expect(made.data).toBe(data);
    expect(zeros(type as DataType, [2, 3])).toEqual(made);
  }
});

test("a tensor without dimensions is a scalar", () => {
  expect(tensor("float32", Float32Array.of(3), []).data[0]).toBe(3);
  expect(elementCount([4, 0, 2])).toBe(0);
});

test("rejected arguments", () => {
  const floats = new Float32Array(6);
  expect(() => tensor("float32", floats, [2, 2])).toThrow("data: expected 4 elements for dims [2, 2], got 6");
  expect(() => tensor("float64", floats as never, [6])).toThrow(
    "data: expected a Float64Array for float64, got Float32Array",
  );
  expect(() => tensor("string" as never, floats as never, [6])).toThrow(
    "type: expected one of float32, float64",
  );
  expect(() => zeros("toString" as never, [6])).toThrow("type: expected one of float32, float64");
  expect(() => tensor("float32", floats, [2.5, 2])).toThrow("dims: expected whole numbers, got [2.5, 2]");
  expect(() => zeros("float32", [-1])).toThrow("dims: expected whole numbers, got [-1]");
  expect(() => elementCount([2 ** 40, 2 ** 40])).toThrow("dims: expected at most 2^53 - 1 elements");
});

test("what only looks like an array or a type is refused", () => {
  const floats = new Float32Array(4);
  const { buffer } = new Float32Array(4);
  const gone = new Float32Array(buffer);
  structuredClone(buffer, { transfer: [buffer] });
  const arrays = [new Proxy(floats, {}), Object.create(Float32Array.prototype), Object.create(floats), gone];
  for (const data of arrays) expect(() => tensor("float32", data, [4])).toThrow(InvalidArgumentError);
  const throws = {
    toString() {
      throw new Error("called");
    },
  };
  for (const type of [throws, Object.create(null), Symbol("s"), gone, ["float32"], null]) {
    expect(() => tensor(type as never, floats as never, [4])).toThrow(InvalidArgumentError);
    expect(() => zeros(type as never, [4])).toThrow(InvalidArgumentError);
    expect(holds(type as never, floats)).toBe(false);
  }
});

test("errors name any value shortly, and its conversion never throws", () => {
  const got = (dims: unknown): string => {
    try {
      zeros("uint8", dims as never);
    } catch (error) {
      return (error as Error).message.replace(/^dims: expected .*?, got /, "");
    }
    return "accepted";
  };
  expect(got([Symbol("s"), 1n, null, [2], Object.create(null)])).toBe(
    "[Symbol(s), 1, null, an array, an object]",
  );
  expect(got(new Array(1000).fill(0.5))).toMatch(/^\[0\.5, .*, \.\.\. 1000 in all\]$/);
  expect(got(Symbol("s"))).toBe("Symbol(s)");
  expect(got({ constructor: { name: Symbol("s") } })).toBe("an object");
  expect(got("x".repeat(5000)).length).toBe(103);
  expect(got(undefined)).toBe("undefined");
});

test("dims are the same number by number; what is no array is refused", () => {
  expect(sameDims([1, 2], [1, 2])).toBe(true);
  expect(sameDims([1, 2], [2, 1])).toBe(false);
  expect(sameDims([1], [1, 1])).toBe(false);
  for (const wrong of [undefined, null, 3, { length: 0 }, new Float32Array(1)]) {
    expect(() => sameDims([1], wrong as never)).toThrow("dims: expected an array, got");
    expect(() => sameDims(wrong as never, [])).toThrow(InvalidArgumentError);
  }
});

test("a typed array of another realm holds what one of this realm does", () => {
  for (const [type, { name }] of Object.entries(arrayTypes)) {
    const foreign = runInNewContext(`new ${name}(2)`);
    expect(holds(type as DataType, foreign), type).toBe(true);
    expect(holds(type as DataType, runInNewContext("new DataView(new ArrayBuffer(2))")), type).toBe(false);
    expect(holds(type as DataType, runInNewContext(`Object.create(${name}.prototype)`)), type).toBe(false);
    expect(holds(type as DataType, new Proxy(foreign, {})), type).toBe(false);
  }
  expect(holds("float32", runInNewContext("new Float64Array(2)"))).toBe(false);
});
