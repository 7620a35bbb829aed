import { Damage, safe } from "./stream.js";

/** A constructor that a pickle may name: NumPy's own of scalars, arrays and their types. */
export class Global {
  readonly what: "scalar" | "dtype" | "reconstruct" | "ndarray" | "from-buffer";

  constructor(what: Global["what"]) {
    this.what = what;
  }
}

const known: Readonly<Record<string, Global["what"]>> = {
  "numpy.core.multiarray scalar": "scalar",
  "numpy._core.multiarray scalar": "scalar",
  "numpy dtype": "dtype",
  "numpy.core.multiarray _reconstruct": "reconstruct",
  "numpy._core.multiarray _reconstruct": "reconstruct",
  "numpy ndarray": "ndarray",
  "numpy.core.numeric _frombuffer": "from-buffer",
  "numpy._core.numeric _frombuffer": "from-buffer",
};

/** Returns the constructor that a pickle names. Throws Damage unless it is one of plain data. */
export function globalOf(module: string, name: string): Global {
  const key = `${module} ${name}`;
  const what = Object.hasOwn(known, key) ? known[key] : undefined;
  if (what === undefined)
    throw new Damage(`names ${module.slice(0, 60)}.${name.slice(0, 60)}; only plain data is read`);
  return new Global(what);
}

/** NumPy's type of elements. */
export class NumpyType {
  readonly code: string;
  little = true;

  constructor(code: string) {
    if (!/^([fiu][248]|[iu]1|b1)$/.test(code))
      throw new Damage(`values of NumPy's type ${code.slice(0, 20)}`);
    this.code = code;
  }

  /** Returns the elements of bytes as numbers. */
  numbers(bytes: Uint8Array): number[] {
    const width = Number(this.code[1]);
    if (bytes.length % width !== 0) throw new Damage(`${bytes.length} bytes of elements of ${width}`);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    return Array.from({ length: bytes.length / width }, (_, i) => this.#at(view, width * i));
  }

  #at(view: DataView, at: number): number {
    const { code, little } = this;
    if (code === "f8") return view.getFloat64(at, little);
    if (code === "f4") return view.getFloat32(at, little);
    if (code === "i8") return safe(view.getBigInt64(at, little));
    if (code === "u8") return safe(view.getBigUint64(at, little));
    if (code === "i4") return view.getInt32(at, little);
    if (code === "u4") return view.getUint32(at, little);
    if (code === "i2") return view.getInt16(at, little);
    if (code === "u2") return view.getUint16(at, little);
    if (code === "f2") throw new Damage("values of NumPy's type f2");
    return code === "i1" ? view.getInt8(at) : view.getUint8(at);
  }
}

/** Returns elements nested by the axes of a shape. Throws Damage unless their counts agree. */
export function nestedElements(
  elements: readonly number[],
  shape: readonly number[],
  fortran: boolean,
): readonly unknown[] {
  const count = shape.reduce((product, size) => product * size, 1);
  const whole = shape.every((size) => Number.isInteger(size) && size >= 0);
  if (!whole || count !== elements.length)
    throw new Damage(`${elements.length} elements of an array of ${whole ? `shape [${shape}]` : "no shape"}`);
  if (fortran && shape.length > 1) throw new Damage("an array in Fortran's order");
  if (shape.length === 0) throw new Damage("an array without axes");
  let level: readonly unknown[] = elements;
  for (const size of [...shape.slice(1)].reverse()) {
    const inner = level;
    if (size === 0) return [];
    level = Array.from({ length: inner.length / size }, (_, i) => inner.slice(i * size, (i + 1) * size));
  }
  return level;
}
