import { expect, test } from "vitest";
import { checkOptions, nearestName, optionNames } from "./check-options.js";
import { InvalidArgumentError } from "./errors.js";

interface Options {
  readonly bins?: number;
  readonly edges?: string;
  readonly falsePositiveWeight?: number;
}
const known = optionNames<Options>({ bins: true, edges: true, falsePositiveWeight: true });
const list = "known options: bins, edges, falsePositiveWeight";

test.each<[string, object]>([
  ["nothing", {}],
  ["every option", { bins: 1, edges: "", falsePositiveWeight: 2 }],
  ["an unknown name without a value", { bin: undefined }],
  ["inherited options", Object.create({ bins: 1 })],
  ["an object without a prototype", Object.assign(Object.create(null), { bins: 1 })],
])("accepts %s", (_, options) => {
  expect(() => checkOptions("options", options, known)).not.toThrow();
});

test.each<[unknown, string, string]>([
  [{ bin: 5 }, "options.bin", `options.bin: unknown option (did you mean "bins"?); ${list}`],
  [{ edgse: 5 }, "options.edgse", 'did you mean "edges"?'],
  [{ falsePositivWeight: 5 }, "options.falsePositivWeight", 'did you mean "falsePositiveWeight"?'],
  [{ BINS: 5 }, "options.BINS", 'did you mean "bins"?'],
  [{ colour: 5 }, "options.colour", `options.colour: unknown option; ${list}`],
  [{ bin: null }, "options.bin", 'did you mean "bins"?'],
  [Object.create({ bin: 1 }), "options.bin", 'did you mean "bins"?'],
  [JSON.parse('{"__proto__": 1}'), "options.__proto__", `options.__proto__: unknown option; ${list}`],
  [{ ["x".repeat(1e6)]: 1 }, `options.${"x".repeat(40)}...`, "unknown option; known options: bins"],
  [null, "options", "options: expected an object, got null"],
  ["bins", "options", "options: expected an object, got bins"],
  [[], "options", "options: expected an object, got []"],
  [5, "options", "options: expected an object, got 5"],
])("refuses %j", (options, argument, message) => {
  const attempt = (): void => checkOptions("options", options, known);
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(expect.objectContaining({ argument, message: expect.stringContaining(message) }));
});

test.each<[string, object, string]>([
  ["byteOffset", Object.create(new Float32Array(0)), "TypedArray"],
  ["size", Object.create(new Map()), "size"],
])("refuses %s that cannot be read", (name, options, message) => {
  const attempt = (): void => checkOptions("options", options, new Set([name]));
  expect(attempt).toThrow(InvalidArgumentError);
  expect(attempt).toThrow(new RegExp(`^options\\.${name}: cannot be read: .*${message}`));
});

test("the error of a caller's own getter comes back unchanged", () => {
  const own = new TypeError("no bins here");
  const options = {
    get bins() {
      throw own;
    },
  };
  expect(() => checkOptions("options", options, known)).toThrow(own);
});

test("a function without options says so", () => {
  expect(() => checkOptions("options", { bins: 1 }, new Set())).toThrow(
    "options.bins: unknown option; known options: none",
  );
});

test.each([
  ["ignored", ["ignore", "image"], "ignore"],
  ["lr", ["learningRate", "seed"], undefined],
  ["sed", ["seed", "spacing"], "seed"],
  ["ab", ["cd"], undefined],
  ["endianness", ["channels", "dims"], undefined],
  ["", ["a"], undefined],
] as const)("the name nearest to %j of %j is %j", (name, names, nearest) => {
  expect(nearestName(name, names)).toBe(nearest);
});
