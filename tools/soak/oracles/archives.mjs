// Second, simple decoders of NPZ and safetensors.
import { inflateRawSync } from "node:zlib";
import { valuesOf } from "./judge.mjs";
import { npyOracle } from "./npy.mjs";

/** Returns functions that unpack the entries of a ZIP archive by name, from its central directory. */
function entriesOf(bytes) {
  // The last end record whose comment ends with the file: others are bytes of something else.
  let end = bytes.length - 22;
  while (bytes.readUInt32LE(end) !== 0x06054b50 || end + 22 + bytes.readUInt16LE(end + 20) !== bytes.length)
    end--;
  const entries = new Map();
  let at = bytes.readUInt32LE(end + 16);
  for (let i = 0; i < bytes.readUInt16LE(end + 10); i++) {
    const [method, packed] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20)];
    const [name, extra, comment] = [28, 30, 32].map((field) => bytes.readUInt16LE(at + field));
    const local = bytes.readUInt32LE(at + 42);
    const title = bytes.toString("utf8", at + 46, at + 46 + name);
    if (entries.has(title)) throw new Error(`the oracle has two entries named ${title}`);
    entries.set(title, () => {
      const start = local + 30 + bytes.readUInt16LE(local + 26) + bytes.readUInt16LE(local + 28);
      const content = bytes.subarray(start, start + packed);
      return method === 0 ? content : inflateRawSync(content);
    });
    at += 46 + name + extra + comment;
  }
  return entries;
}

/** Compares arrays by name, or a prediction: its labels may have another type. */
export function npzOracle(bytes, result) {
  const entries = entriesOf(bytes);
  const stored = (name) => {
    const entry = entries.get(`${name}.npy`);
    if (entry === undefined) throw new Error(`the oracle has no array ${name}`);
    return entry();
  };
  if (result.labels && result.probs) {
    npyOracle(stored("probs"), result.probs);
    const { data, dims } = result.labels;
    npyOracle(stored("label"), { dims, data: widened(stored("label"), data) });
    return;
  }
  const names = [...entries.keys()].filter((name) => name.endsWith(".npy"));
  if (names.length !== Object.keys(result).length)
    throw new Error(`${Object.keys(result).length} arrays, the oracle has ${names.length}`);
  for (const [name, tensor] of Object.entries(result)) npyOracle(stored(name), tensor);
}

/** Returns labels in the type of the array they were read from. */
function widened(npy, data) {
  const [, kind] = /["']descr["']\s*:\s*["'][<>|=]?(\w\d)["']/.exec(npy.toString("latin1", 10, 200));
  const lists = { i8: BigInt64Array, i4: Int32Array, i2: Int16Array, i1: Int8Array };
  Object.assign(lists, {
    u8: BigUint64Array,
    u4: Uint32Array,
    u2: Uint16Array,
    u1: Uint8Array,
    b1: Uint8Array,
  });
  const List = lists[kind];
  return List.from(data, kind.endsWith("8") ? (label) => BigInt(label) : Number);
}

const types = { F64: "float64", F32: "float32", F16: "uint16", I64: "int64", U64: "uint64", I32: "int32" };
Object.assign(types, { U32: "uint32", I16: "int16", U16: "uint16", I8: "int8", U8: "uint8", BOOL: "uint8" });

export function safetensorsOracle(bytes, { tensors, metadata }) {
  const length = Number(bytes.readBigUInt64LE(0));
  const { __metadata__: notes = {}, ...header } = JSON.parse(bytes.toString("utf8", 8, 8 + length));
  const { "pixelcal-sha256": _, ...kept } = notes;
  const sorted = (object) => JSON.stringify(Object.entries(object).sort());
  if (sorted(kept) !== sorted(metadata)) throw new Error("other metadata than the oracle's");
  if (Object.keys(header).sort().join() !== Object.keys(tensors).sort().join())
    throw new Error("other names than the oracle's");
  for (const [name, { dtype, shape, data_offsets: offsets }] of Object.entries(header)) {
    const { data, dims } = tensors[name];
    const part = bytes.subarray(8 + length + offsets[0], 8 + length + offsets[1]);
    const count = shape.reduce((product, size) => product * size, 1);
    const wanted = valuesOf(types[dtype], part, count);
    if (shape.join() !== dims.join()) throw new Error(`${name}: shape [${dims}], the oracle has [${shape}]`);
    if (data.constructor !== wanted.constructor || data.length !== count)
      throw new Error(
        `${name}: ${data.length} of ${data.constructor.name}, the oracle has ${count} ${dtype}`,
      );
    if (!wanted.every((value, i) => Object.is(value, data[i])))
      throw new Error(`${name}: other values than the oracle's`);
  }
}
