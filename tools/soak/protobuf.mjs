// Mutations of Protocol Buffers messages that keep the enclosing lengths right, so that they reach the inner
// fields.
import { boundaries, mutated } from "./mutate.mjs";

/**
 * Parses the fields of a message, nested ones as far as they can be read as such; undefined where `bytes` is
 * not a message.
 */
export function parse(bytes, depth = 0) {
  const fields = [];
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) return undefined;
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const key = varint();
    if (key === undefined || key < 8n || key > 1000n) return undefined;
    const [number, wire] = [Number(key >> 3n), Number(key & 7n)];
    if (wire === 0) {
      const value = varint();
      if (value === undefined) return undefined;
      fields.push({ number, wire, value });
    } else if (wire === 1 || wire === 5 || wire === 2) {
      const length = wire === 2 ? varint() : BigInt(wire === 1 ? 8 : 4);
      if (length === undefined || at + Number(length) > bytes.length) return undefined;
      const value = bytes.subarray(at, (at += Number(length)));
      const children = wire === 2 && length > 1n && depth < 12 ? parse(value, depth + 1) : undefined;
      fields.push({ number, wire, value, children });
    } else return undefined;
  }
  return fields;
}

export function varint(value) {
  const bytes = [];
  let left = BigInt.asUintN(64, value);
  for (; left > 127n; left >>= 7n) bytes.push(Number(left & 127n) | 128);
  bytes.push(Number(left));
  return Uint8Array.from(bytes);
}

/** Encodes parsed fields. A field's `lie` is added to its length. */
export function encode(fields) {
  const parts = [];
  for (const { number, wire, value, children, lie = 0 } of fields) {
    parts.push(varint(BigInt(number * 8 + wire)));
    if (wire === 0) parts.push(varint(value));
    else {
      const content = children ? encode(children) : value;
      if (wire === 2) parts.push(varint(BigInt(content.length + lie)));
      parts.push(content);
    }
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** Lists all lists of fields in a message, each with the way to it. */
function lists(fields, path = [], found = []) {
  if (fields.length > 0) found.push(path);
  fields.forEach(({ children }, i) => void (children && lists(children, [...path, i], found)));
  return found;
}

const change = (fields, path, edit) =>
  path.length === 0
    ? edit(fields)
    : fields.map((field, i) =>
        i === path[0] ? { ...field, children: change(field.children, path.slice(1), edit) } : field,
      );

const at = (fields, path) => path.reduce((list, i) => list[i].children, fields);

const edits = [
  (fields, i) => fields.filter((_, k) => k !== i),
  (fields, i) => [...fields, fields[i]],
  (fields, i) => [...fields.slice(0, i), fields[i], ...fields.slice(i)],
  (fields, i, random) => {
    const k = random.integer(fields.length);
    const copy = [...fields];
    [copy[i], copy[k]] = [copy[k], copy[i]];
    return copy;
  },
  (fields, i, random, others) => {
    const copy = [...fields];
    copy[i] = random.pick(at(others, random.pick(lists(others))));
    return copy;
  },
  (fields, i, random) =>
    fields.map((field, k) => (k === i ? { ...field, number: 1 + random.integer(30) } : field)),
  (fields, i, random) =>
    fields.map((field, k) => (k === i ? { ...field, lie: random.pick([-1, 1, 2, 127, 2 ** 31]) } : field)),
  value,
  value,
  value,
  value,
];

function value(fields, i, random, _, seeds) {
  const field = fields[i];
  const copy = [...fields];
  if (field.wire === 0) {
    const near = BigInt(random.integer(5) - 2);
    const chosen = random.pick([
      random.pick(boundaries),
      field.value,
      -field.value,
      BigInt(random.integer(64)),
    ]);
    copy[i] = { ...field, value: chosen + near };
  } else copy[i] = { ...field, children: undefined, value: mutated(field.value, random, seeds) };
  return copy;
}

/** Makes one to three edits of the parsed message `fields`; `others` is another message to take parts of. */
export function mutatedMessage(fields, random, others, seeds) {
  let result = fields;
  for (let i = random.pick([0, 0, 1, 2]); i >= 0; i--) {
    const found = lists(result);
    if (found.length === 0) break;
    const path = random.pick(found);
    const place = random.integer(at(result, path).length);
    result = change(result, path, (list) => random.pick(edits)(list, place, random, others, seeds));
  }
  return encode(result);
}
