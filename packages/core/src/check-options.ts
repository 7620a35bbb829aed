import { InvalidArgumentError, invalidArgument } from "./errors.js";

/**
 * Returns the names of the options of type `T` for {@link checkOptions}. The compiler refuses a table that
 * lacks an option of `T` or has one too many.
 */
export function optionNames<T>(names: { readonly [K in keyof Required<T>]: true }): ReadonlySet<string> {
  return new Set(Object.keys(names));
}

/**
 * Throws an `InvalidArgumentError` unless `options` is an object whose options are all in `knownNames`; the
 * message suggests the known name nearest to the unknown one. An option that is `undefined` counts as absent.
 * `argument` names the object in messages, for example "options".
 */
export function checkOptions(argument: string, options: unknown, knownNames: ReadonlySet<string>): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw invalidArgument(argument, "an object", options);
  }
  // Destructuring reads inherited options as well, so they are checked too.
  for (const name in options) {
    if (!knownNames.has(name) && (options as Record<string, unknown>)[name] !== undefined) {
      throw unknownOption(argument, name, knownNames);
    }
  }
  for (const name of knownNames) checkReadable(argument, options as Record<string, unknown>, name);
}

/**
 * Throws unless an option can be read: getters inherited from a typed array or a Map throw for other objects.
 * The error of a caller's own getter comes back unchanged.
 */
function checkReadable(argument: string, options: Readonly<Record<string, unknown>>, name: string): void {
  try {
    void options[name];
  } catch (cause) {
    if (!(cause instanceof TypeError) || Object.hasOwn(options, name)) throw cause;
    const path = `${argument}.${name}`;
    throw new InvalidArgumentError(path, `${path}: cannot be read: ${cause.message}`, { cause });
  }
}

/** Returns the error `options.bin: unknown option (did you mean "bins"?); known options: bins, edges`. */
function unknownOption(argument: string, name: string, knownNames: Iterable<string>): InvalidArgumentError {
  const known = [...knownNames];
  const nearest = nearestName(name, known);
  const hint = nearest === undefined ? "" : ` (did you mean "${nearest}"?)`;
  const list = known.length === 0 ? "none" : known.join(", ");
  const path = `${argument}.${name.length > 40 ? `${name.slice(0, 40)}...` : name}`;
  return new InvalidArgumentError(path, `${path}: unknown option${hint}; known options: ${list}`);
}

/** Returns the known name with the fewest edits from `name`, or undefined when none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  if (name.length > 128) return undefined;
  let nearest: string | undefined;
  let fewest = Math.max(2, Math.floor(name.length / 2)) + 1;
  for (const candidate of known) {
    const edits = edited(name.toLowerCase(), candidate.toLowerCase());
    // By more edits than two fifths of the longer name any name becomes any other: endianness, channels.
    if (edits >= fewest || 5 * edits > 2 * Math.max(name.length, candidate.length)) continue;
    nearest = candidate;
    fewest = edits;
  }
  return nearest;
}

// Computes the optimal string alignment distance: insertions, deletions, replacements and swaps of
// neighbours.
function edited(a: string, b: string): number {
  let before: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replace = last[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(replace, last[j]! + 1, row[j - 1]! + 1);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        row[j] = Math.min(row[j]!, before[j - 2]! + 1);
      }
    }
    before = last;
    last = row;
  }
  return last[b.length]!;
}
