import { overLimit } from "./errors.js";

export interface NpyHeader {
  readonly descr: string;
  /** The letter and width of the type, for example "f4". */
  readonly letter: string;
  readonly bigEndian: boolean;
  readonly fortran: boolean;
  readonly shape: readonly number[];
  /** The offset of the first data byte. */
  readonly end: number;
}

type Fail = (what: string) => Error;

// The header is a Python dict literal. Only one form of it is accepted: three known keys in any order, no
// expressions, no nesting.
const entry =
  /\s*(['"])(descr|fortran_order|shape)\1\s*:\s*(?:(['"])([^'"\\]*)\3|(True|False)|\(([\d\s,L]*)\))\s*(,|(?=\}))/y;

function parseShape(text: string, fail: Fail): number[] {
  const parts = text.split(",").map((part) => part.trim());
  if (parts.at(-1) === "") parts.pop();
  // In Python "(3)" is a number, not a tuple.
  if (parts.length === 1 && !text.includes(",")) throw fail(`malformed shape "(${text.slice(0, 60)})"`);
  return parts.map((part) => {
    const digits = /^(\d{1,16})L?$/.exec(part);
    if (!digits) throw fail(`malformed shape "(${text.slice(0, 60)})"`);
    return Number(digits[1]);
  });
}

function parseDict(text: string, fail: Fail): { descr: string; fortran: boolean; shape: number[] } {
  const body = text.trim();
  if (!body.startsWith("{") || !body.endsWith("}")) throw fail("malformed header: not a dict");
  if (/'descr'\s*:\s*\[/.test(body)) throw fail("structured arrays are not supported");
  let descr: string | undefined;
  let fortran: boolean | undefined;
  let shape: number[] | undefined;
  entry.lastIndex = 1;
  while (!/^\s*\}$/.test(body.slice(entry.lastIndex))) {
    const at = entry.lastIndex;
    const match = entry.exec(body);
    if (!match) throw fail(`malformed header near "${body.slice(at, at + 40)}"`);
    const [, , name, , string, bool, tuple] = match;
    if (name === "descr" && string !== undefined && descr === undefined) descr = string;
    else if (name === "fortran_order" && bool !== undefined && fortran === undefined)
      fortran = bool === "True";
    else if (name === "shape" && tuple !== undefined && shape === undefined) shape = parseShape(tuple, fail);
    else throw fail(`malformed or repeated header entry "${name}"`);
  }
  if (descr === undefined || fortran === undefined || shape === undefined) {
    throw fail("header needs descr, fortran_order and shape");
  }
  return { descr, fortran, shape };
}

/**
 * Parses the header of an NPY file (numpy.lib.format, versions 1.0, 2.0 and 3.0). `fail` builds the error to
 * throw.
 */
export function parseNpyHeader(bytes: Uint8Array, maxHeader: number, fail: Fail): NpyHeader {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (view.length < 10 || view.toString("latin1", 0, 6) !== "\x93NUMPY") throw fail("not an NPY array");
  const major = view[6]!;
  if (major < 1 || major > 3 || view[7] !== 0) throw fail(`unsupported NPY version ${major}.${view[7]}`);
  const start = major === 1 ? 10 : 12;
  if (view.length < start) throw fail("truncated header");
  const length = major === 1 ? view.readUInt16LE(8) : view.readUInt32LE(8);
  if (length > maxHeader)
    throw overLimit(fail(`header of ${length} bytes exceeds the limit of ${maxHeader}`));
  if (start + length > view.length) throw fail("truncated header");
  const text = view.toString(major === 3 ? "utf8" : "latin1", start, start + length);
  const { descr, fortran, shape } = parseDict(text, (what) => fail(`${what} (at byte ${start})`));
  const refuse = (what: string): Error => fail(`${what} (at byte ${start + text.indexOf(descr)})`);
  if (/^\|?O/.test(descr)) throw refuse("object arrays hold pickled Python code and are refused");
  const type = /^([<>|=]?)([fiub][1248])$/.exec(descr);
  if (!type) throw refuse(`unsupported element type "${descr}"`);
  return { descr, letter: type[2]!, bigEndian: type[1] === ">", fortran, shape, end: start + length };
}
