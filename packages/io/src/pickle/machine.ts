import { Global, globalOf, NumpyType, nestedElements } from "./numpy.js";
import { Damage, PickleStream } from "./stream.js";

/** A value of a pickle. One that is used twice is the same object twice, and a list may hold itself. */
export type PickleValue =
  | null
  | boolean
  | number
  | string
  | Uint8Array
  | readonly PickleValue[]
  | ReadonlyMap<PickleValue, PickleValue>;

const mark = Symbol("mark");

/** The most values that one pickle may make. */
const most = 1 << 20;

/**
 * A machine for the opcodes of pickles of protocols 2 to 5 that build plain data. REDUCE and BUILD know
 * NumPy's constructors and no others; nothing is looked up, imported or called by name.
 */
export class PickleMachine {
  readonly #in: PickleStream;
  readonly #stack: unknown[] = [];
  readonly #memo = new Map<number, unknown>();
  /** NumPy's arrays that have no elements yet. */
  readonly #empty = new Set<unknown>();
  #made = 0;
  /** The place of the opcode that is carried out. */
  at = 0;

  constructor(bytes: Uint8Array) {
    this.#in = new PickleStream(bytes);
  }

  /** Carries out all opcodes and returns the value they leave. Throws Damage. */
  run(): PickleValue {
    for (;;) {
      this.at = this.#in.at;
      const opcode = String.fromCharCode(this.#in.unsigned(1));
      if (opcode === ".") break;
      const step = Object.hasOwn(steps, opcode) ? steps[opcode] : undefined;
      if (!step) throw new Damage(`opcode ${JSON.stringify(opcode)} is not one of plain data`);
      step(this, this.#in);
    }
    const value = this.pop();
    if (this.#stack.length > 0) throw new Damage("values are left over");
    checkPlain(value);
    return value;
  }

  push(value: unknown): void {
    if (++this.#made > most) throw new Damage(`makes more than ${most} values`);
    this.#stack.push(value);
  }

  pop(): unknown {
    if (this.#stack.length === 0) throw new Damage("takes a value where none is left");
    const value = this.#stack.pop();
    if (value === mark) throw new Damage("takes a mark for a value");
    return value;
  }

  top(): unknown {
    const value = this.pop();
    this.#stack.push(value);
    return value;
  }

  mark(): void {
    this.push(mark);
  }

  /** Takes the values above the last mark, and the mark. */
  marked(): unknown[] {
    const start = this.#stack.lastIndexOf(mark);
    if (start < 0) throw new Damage("takes the values above a mark where none is");
    return this.#stack.splice(start).slice(1);
  }

  /** Pushes an array of NumPy's, whose elements come later. */
  pushEmpty(): void {
    const array: unknown[] = [];
    this.#empty.add(array);
    this.push(array);
  }

  /** Gives the array on top its elements. Throws Damage unless it waits for them. */
  fill(elements: readonly unknown[]): void {
    const array = this.top();
    if (!Array.isArray(array) || !this.#empty.delete(array))
      throw new Damage("gives a state to what has none");
    for (const each of elements) array.push(each);
  }

  remember(index: number): void {
    this.#memo.set(index, this.top());
  }

  memoize(): void {
    this.remember(this.#memo.size);
  }

  recall(index: number): void {
    if (!this.#memo.has(index)) throw new Damage(`recalls value ${index}, which none is`);
    this.push(this.#memo.get(index));
  }
}

/** Throws Damage unless a value is plain data all through. */
function checkPlain(value: unknown): asserts value is PickleValue {
  const seen = new Set<unknown>();
  const waiting = [value];
  while (waiting.length > 0) {
    const each = waiting.pop();
    if (each instanceof Global || each instanceof NumpyType) throw new Damage("holds a type, not a value");
    if (seen.has(each)) continue;
    if (Array.isArray(each)) for (const item of each) waiting.push(item);
    else if (each instanceof Map) for (const [key, item] of each) waiting.push(key, item);
    if (typeof each === "object") seen.add(each);
  }
}

type Step = (machine: PickleMachine, stream: PickleStream) => void;

/** Takes `count` values and pushes them as a tuple. */
const tuple =
  (count: number): Step =>
  (machine) =>
    machine.push(Array.from({ length: count }, () => machine.pop()).reverse());

const setItems = (machine: PickleMachine, values: readonly unknown[]): void => {
  const target = machine.top();
  if (!(target instanceof Map) || values.length % 2 !== 0) throw new Damage("sets items of no dictionary");
  for (let i = 0; i < values.length; i += 2) target.set(values[i], values[i + 1]);
};

const append = (machine: PickleMachine, values: readonly unknown[]): void => {
  const target = machine.top();
  if (!Array.isArray(target)) throw new Damage("appends to no list");
  for (const value of values) target.push(value);
};

const bytesOf = (value: unknown): Uint8Array => {
  if (!(value instanceof Uint8Array)) throw new Damage("expected the bytes of NumPy's values");
  return value;
};

const typeOf = (value: unknown): NumpyType => {
  if (!(value instanceof NumpyType)) throw new Damage("expected a type of NumPy's values");
  return value;
};

const listOf = (value: unknown): readonly unknown[] => {
  if (!Array.isArray(value)) throw new Damage("expected a tuple");
  return value;
};

const shapeOf = (value: unknown): readonly number[] => {
  const sizes = listOf(value);
  if (!sizes.every((size) => typeof size === "number")) throw new Damage("expected the shape of an array");
  return sizes;
};

const reduce: Step = (machine) => {
  const values = listOf(machine.pop());
  const made = machine.pop();
  if (!(made instanceof Global)) throw new Damage("calls what is no constructor of NumPy's");
  if (made.what === "dtype") return machine.push(new NumpyType(`${values[0]}`));
  if (made.what === "reconstruct") return machine.pushEmpty();
  if (made.what === "scalar") {
    const numbers = typeOf(values[0]).numbers(bytesOf(values[1]));
    if (numbers.length !== 1) throw new Damage(`a scalar of ${numbers.length} values`);
    return machine.push(typeOf(values[0]).code === "b1" ? numbers[0] === 1 : numbers[0]);
  }
  if (made.what !== "from-buffer") throw new Damage("calls the class of arrays itself");
  const elements = typeOf(values[1]).numbers(bytesOf(values[0]));
  machine.push(nestedElements(elements, shapeOf(values[2]), values[3] === "F"));
};

/** Gives a type its byte order, or an array its elements. */
const build: Step = (machine) => {
  const state = listOf(machine.pop());
  const target = machine.top();
  if (target instanceof NumpyType) {
    target.little = state[1] !== ">";
    return;
  }
  const [, shape, type, fortran, bytes] = state;
  const elements = typeOf(type).numbers(bytesOf(bytes));
  machine.fill(nestedElements(elements, shapeOf(shape), fortran === true));
};

/** The opcodes by their byte (pickletools of Python). */
const steps: Readonly<Record<string, Step>> = {
  "\x80": (_, stream) => {
    const version = stream.unsigned(1);
    if (version > 5) throw new Damage(`protocol ${version}; 2 to 5 are read`);
  },
  "\x95": (_, stream) => void stream.unsigned(8),
  "(": (machine) => machine.mark(),
  "0": (machine) => void machine.pop(),
  N: (machine) => machine.push(null),
  "\x88": (machine) => machine.push(true),
  "\x89": (machine) => machine.push(false),
  K: (machine, stream) => machine.push(stream.unsigned(1)),
  M: (machine, stream) => machine.push(stream.unsigned(2)),
  J: (machine, stream) => machine.push(stream.signed32()),
  "\x8a": (machine, stream) => machine.push(stream.long(stream.unsigned(1))),
  G: (machine, stream) => machine.push(stream.double()),
  X: (machine, stream) => machine.push(stream.text(stream.unsigned(4))),
  "\x8c": (machine, stream) => machine.push(stream.text(stream.unsigned(1))),
  "\x8d": (machine, stream) => machine.push(stream.text(stream.unsigned(8))),
  C: (machine, stream) => machine.push(stream.take(stream.unsigned(1))),
  B: (machine, stream) => machine.push(stream.take(stream.unsigned(4))),
  "\x8e": (machine, stream) => machine.push(stream.take(stream.unsigned(8))),
  "\x96": (machine, stream) => machine.push(stream.take(stream.unsigned(8))),
  "]": (machine) => machine.push([]),
  ")": (machine) => machine.push([]),
  "}": (machine) => machine.push(new Map()),
  l: (machine) => machine.push(machine.marked()),
  t: (machine) => machine.push(machine.marked()),
  "\x85": tuple(1),
  "\x86": tuple(2),
  "\x87": tuple(3),
  s: (machine) => {
    const value = machine.pop();
    setItems(machine, [machine.pop(), value]);
  },
  u: (machine) => setItems(machine, machine.marked()),
  a: (machine) => append(machine, [machine.pop()]),
  e: (machine) => append(machine, machine.marked()),
  q: (machine, stream) => machine.remember(stream.unsigned(1)),
  r: (machine, stream) => machine.remember(stream.unsigned(4)),
  "\x94": (machine) => machine.memoize(),
  h: (machine, stream) => machine.recall(stream.unsigned(1)),
  j: (machine, stream) => machine.recall(stream.unsigned(4)),
  c: (machine, stream) => machine.push(globalOf(stream.line(), stream.line())),
  "\x93": (machine) => {
    const name = machine.pop();
    machine.push(globalOf(`${machine.pop()}`, `${name}`));
  },
  R: reduce,
  b: build,
};
