// Values that callers pass by mistake, and values that nobody passes.
import { types } from "node:util";
import { Planted } from "../typed-errors.mjs";

const throws = () => {
  throw new Planted("planted");
};

const numbers = [
  ...[0, -0, -1, 1, 0.5, 1.5, 255, 256, 1e3, 32768, 65536, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 40],
  ...[
    2 ** 53 - 1,
    2 ** 53,
    2 ** 63,
    2 ** 64,
    1e308,
    5e-324,
    Number.NaN,
    Infinity,
    -Infinity,
    -(2 ** 31),
    -(2 ** 53),
  ],
];

export const arrayTypes = [
  ...[
    Uint8Array,
    Int8Array,
    Uint8ClampedArray,
    Uint16Array,
    Int16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
  ],
  ...[Float64Array, BigInt64Array, BigUint64Array],
  ...(globalThis.Float16Array ? [globalThis.Float16Array] : []),
];

/** Makes an array of a type and length in one of the forms that a typed array can have. */
export function strangeArray(
  random,
  Type = random.pick(arrayTypes),
  length = random.pick([0, 1, 3, 24, 64, 4096]),
) {
  const bytes = Type.BYTES_PER_ELEMENT;
  const forms = [
    () => new Type(length),
    () => new Type(length + 1),
    () => new Type(Math.max(0, length - 1)),
    () => new Type(new SharedArrayBuffer(length * bytes)),
    () =>
      new Type(
        Reflect.construct(ArrayBuffer, [length * bytes, { maxByteLength: 2 * length * bytes + bytes }]),
      ),
    () =>
      new Type(
        Reflect.construct(SharedArrayBuffer, [length * bytes, { maxByteLength: 2 * length * bytes + 8 }]),
      ),
    () => {
      // Its length follows the buffer, which has become shorter than the view.
      const buffer = Reflect.construct(ArrayBuffer, [
        2 * length * bytes + 64,
        { maxByteLength: 2 * length * bytes + 64 },
      ]);
      const array = new Type(buffer, bytes, length);
      buffer.resize(random.pick([0, bytes, length * bytes]));
      return array;
    },
    () => {
      const array = new Type(length);
      structuredClone(array, { transfer: [array.buffer] });
      return array;
    },
    () => new Type(new ArrayBuffer(8 * bytes + length * bytes), bytes * random.integer(8), length),
    () => Object.defineProperty(new Type(length), "length", { value: random.pick(numbers) }),
    () => Object.defineProperty(new Type(length), "buffer", { get: throws }),
    () => new (class extends Type {})(length),
    () => new Proxy(new Type(length), {}),
    () => Object.setPrototypeOf(new Type(length), null),
    () => Object.create(Type.prototype),
    () => new Type(length).buffer,
    () => new DataView(new ArrayBuffer(length * bytes)),
    () => Array.from(new Type(length)),
    () => ({ length, 0: 1, BYTES_PER_ELEMENT: bytes, buffer: new ArrayBuffer(length * bytes) }),
  ];
  return random.pick(forms)();
}

const objects = [
  () => ({}),
  () => [],
  () => Object.create(null),
  () => new Date(Number.NaN),
  () => /x/,
  () => new Map(),
  () => Promise.resolve(1),
  () => () => 1,
  () => class {},
  () => Symbol("s"),
  () => Symbol.iterator,
  () => 10n ** 30n,
  () => ({ valueOf: throws }),
  () => ({ toString: throws, [Symbol.toPrimitive]: throws }),
  () => ({ toJSON: throws }),
  () => ({
    get length() {
      return throws();
    },
  }),
  () => new Proxy({}, { get: throws }),
  () => new Proxy([], { get: throws }),
  () => new Proxy({}, { has: throws, ownKeys: throws }),
  () => Object.defineProperty([1, 2], 0, { get: throws, configurable: true }),
  () => Object.assign([], { 1: 1 }),
  () => [Symbol("s")],
  () => [Object.create(null)],
  () => [10n],
  () => Object.assign([3], { length: 2 ** 14 }),
  () => {
    const circle = [];
    circle.push(circle);
    return circle;
  },
];

const texts = [
  "",
  "x",
  "cpu",
  "cuda",
  "webgpu",
  "__proto__",
  "constructor",
  "\0",
  "reference",
  "NaN",
  "1",
  "x".repeat(70_000),
];

/** Makes any value at all. */
export function strangeValue(random) {
  return random.pick([
    () => random.pick(numbers),
    () => random.pick(numbers),
    () => random.pick([undefined, null, true, false, 0n, -1n, 1n << 64n]),
    () => random.pick(texts),
    () => random.pick(objects)(),
    () => strangeArray(random),
    () => Array.from({ length: random.integer(5) }, () => random.pick(numbers)),
    () => Array.from({ length: random.integer(3) }, () => strangeArray(random)),
  ])();
}

/** Returns `options` with one to three of its fields, or fields of fields, changed for something strange. */
export function abused(options, random) {
  if (
    typeof options !== "object" ||
    options === null ||
    ArrayBuffer.isView(options) ||
    types.isProxy(options)
  )
    return strangeFor(options, random);
  // Getters are copied, not called.
  const copy = Object.defineProperties(
    Array.isArray(options) ? [] : {},
    Object.getOwnPropertyDescriptors(options),
  );
  const keys = Object.keys(copy);
  for (let i = random.pick([0, 0, 1, 2]); i >= 0; i--) {
    const key =
      keys.length > 0 && !random.oneIn(12)
        ? random.pick(keys)
        : random.pick(["extra", "__proto__", "out", "0", "device", "keep"]);
    const { value } = Object.getOwnPropertyDescriptor(copy, key) ?? {};
    const deeper =
      typeof value === "object" && value !== null && !ArrayBuffer.isView(value) && random.oneIn(2);
    if (random.oneIn(12)) delete copy[key];
    else if (random.oneIn(24))
      Object.defineProperty(copy, key, { get: throws, enumerable: true, configurable: true });
    else
      Object.defineProperty(copy, key, {
        value: deeper ? abused(value, random) : strangeFor(value, random),
        ...{ enumerable: true, configurable: true, writable: true },
      });
  }
  return random.oneIn(40) ? new Proxy(copy, {}) : copy;
}

// An array's own fields may hold anything by now.
const typed = Object.getPrototypeOf(Uint8Array.prototype);
const trueLength = Object.getOwnPropertyDescriptor(typed, "length").get;
const trueName = Object.getOwnPropertyDescriptor(typed, Symbol.toStringTag).get;

function lengthOf(view) {
  try {
    return trueLength.call(view);
  } catch {
    return 3;
  }
}

const typeOf = (view) => arrayTypes.find(({ name }) => name === trueName.call(view));

/** Makes something strange that is close to a valid value. */
function strangeFor(value, random) {
  if (random.oneIn(3) || types.isProxy(value)) return strangeValue(random);
  if (typeof value === "number")
    return Number.isFinite(value) && random.oneIn(4) ? BigInt(Math.trunc(value)) : random.pick(numbers);
  if (ArrayBuffer.isView(value) && value.length !== undefined)
    return strangeArray(random, random.oneIn(2) ? typeOf(value) : undefined, lengthOf(value));
  if (Array.isArray(value) && value.length < 100) {
    const plain = Object.getOwnPropertyDescriptors(value);
    return Array.from(
      { length: random.integer(2 * value.length + 1) },
      (_, i) => plain[i % value.length]?.value,
    );
  }
  return strangeValue(random);
}

/** Changes what a call has been given while it runs. */
export function disturb(args, random) {
  try {
    change(args, random, 0);
  } catch (error) {
    // A proxy's own trap.
    if (!(error instanceof Planted)) throw error;
  }
}

function change(value, random, depth) {
  if (typeof value !== "object" || value === null || depth > 3) return;
  if (ArrayBuffer.isView(value)) {
    try {
      const how = random.integer(3);
      if (how === 0) structuredClone(value, { transfer: [value.buffer] });
      else if (how === 1) value.buffer.resize(0);
      else value.fill?.(typeof value[0] === "bigint" ? BigInt(random.integer(5)) : random.integer(300));
    } catch {
      // Not in this form.
    }
    return;
  }
  for (const key of Reflect.ownKeys(value)) {
    const field = Object.getOwnPropertyDescriptor(value, key);
    if (field?.value !== undefined) change(field.value, random, depth + 1);
  }
}
