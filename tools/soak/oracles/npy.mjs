// A second, simple decoder of NPY.
import { arrays, valuesOf } from "./judge.mjs";

const kinds = { f2: "uint16", f4: "float32", f8: "float64", b1: "uint8", u1: "uint8", i1: "int8" };

export function npyOracle(bytes, { data, dims }) {
  const wide = bytes[6] >= 2;
  const start = wide ? 12 : 10;
  const length = wide ? bytes.readUInt32LE(8) : bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", start, start + length);
  const [, order, kind] = /["']descr["']\s*:\s*["']([<>|=])?(\w\d)["']/.exec(header);
  const type = kinds[kind] ?? `${kind[0] === "u" ? "u" : ""}int${8 * Number(kind[1])}`;
  const shape = /["']shape["']\s*:\s*\(([^)]*)\)/.exec(header)[1].split(",");
  const sizes = shape.filter((size) => size.trim() !== "").map(Number);
  const count = sizes.reduce((a, b) => a * b, 1);
  const values = valuesOf(type, bytes.subarray(start + length), count, order !== ">");
  const fortran = /["']fortran_order["']\s*:\s*True/.test(header);
  if (sizes.join() !== dims.join()) throw new Error(`shape [${dims}], the oracle has [${sizes}]`);
  if (data.constructor !== arrays[type]) throw new Error(`${data.constructor.name}, the oracle has ${type}`);
  for (let i = 0; i < count; i++) {
    let [at, rest, stride] = [0, i, 1];
    // In Fortran's order the first axis is the fastest.
    const places = sizes.toReversed().map((size) => {
      const place = rest % size;
      rest = Math.floor(rest / size);
      return place;
    });
    for (const [axis, size] of sizes.entries()) {
      at += places[sizes.length - 1 - axis] * stride;
      stride *= size;
    }
    if (!Object.is(data[i], values[fortran ? at : i]))
      throw new Error(`another value at ${i} than the oracle's`);
  }
}
