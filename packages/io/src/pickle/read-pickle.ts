import { type FileSource, type SourceName, withSource } from "../byte-source.js";
import { FormatError } from "../errors.js";
import { refusal } from "../volume/refuse.js";
import { PickleMachine, type PickleValue } from "./machine.js";
import { Damage } from "./stream.js";

/** The largest pickle that is read, in bytes: those beside nnU-Net's predictions have some hundred. */
const longest = 2 ** 22;

/**
 * Reads a pickle of plain data, such as nnU-Net's CASE.pkl, from a path or from bytes. Nothing in it is ever
 * executed: dictionaries become maps, lists and tuples arrays, NumPy's scalars and arrays numbers and nested
 * arrays, and a pickle that names any other class or function is refused. Throws FormatError with the byte.
 */
export function readPickle(source: FileSource, { source: name }: SourceName = {}): Promise<PickleValue> {
  return withSource(source, name, { maxFile: longest }, async ({ path, bytes }) => {
    const machine = new PickleMachine(new Uint8Array(await bytes.read(0, bytes.size)));
    try {
      return machine.run();
    } catch (error) {
      if (!(error instanceof Damage)) throw error;
      throw refusal(path, "pickle", machine.at, error.message);
    }
  });
}

/** Returns the value under a text key of a dictionary; undefined for what is none or lacks it. */
export const entryOf = (value: PickleValue | undefined, key: string): PickleValue | undefined =>
  value instanceof Map ? value.get(key) : undefined;

/** Returns the numbers of a list, nested ones in order. Throws FormatError naming `key` for anything else. */
export function numbersOf(path: string, key: string, value: PickleValue | undefined): readonly number[] {
  const numbers: readonly unknown[] = Array.isArray(value) ? value.flat(1) : [];
  if (numbers.length === 0 || !numbers.every((each): each is number => Number.isFinite(each)))
    throw new FormatError(path, key, "expected a list of numbers");
  return numbers;
}
