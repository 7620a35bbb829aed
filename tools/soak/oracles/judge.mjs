// Compares what a reader returned with a second, simple decoding of the same bytes: a reader that accepts a
// damaged file must return the values that are in it.

/** The error of a reader that returned other values than the file holds. */
class OtherValues extends Error {}

/** The arrays by the names of NumPy's types. */
export const arrays = {
  int8: Int8Array,
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint64: BigUint64Array,
  float32: Float32Array,
  float64: Float64Array,
};

/** Returns `count` values of a type from bytes, one by one. */
export function valuesOf(type, bytes, count, little = true) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const List = arrays[type];
  const get = `get${List.name.replace("Array", "")}`;
  return List.from({ length: count }, (_, i) => view[get](i * List.BYTES_PER_ELEMENT, little));
}

/** Returns values of sizes (fastest first) with the axis `axis` moved behind all others. */
function axisLast(values, sizes, axis) {
  const before = sizes.slice(0, axis).reduce((a, b) => a * b, 1);
  const count = sizes[axis];
  const out = new values.constructor(values.length);
  for (let i = 0; i < values.length; i++) {
    const [inner, along, outer] = [
      i % before,
      Math.floor(i / before) % count,
      Math.floor(i / before / count),
    ];
    out[along * (values.length / count) + outer * before + inner] = values[i];
  }
  return out;
}

export const bytesOf = ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength);
const long = (sizes) => sizes.filter((size) => size !== 1).join("x");

/**
 * Throws unless the volume has the values of `found`, { type, sizes (fastest first), values }; one axis of
 * `found` may be the volume's channels.
 */
export function sameValues(volume, found) {
  const { type, sizes, values } = found;
  const { channels = 1, shape, data } = volume;
  if (volume.type !== type) throw new OtherValues(`type ${volume.type}, the oracle has ${type}`);
  // A NaN's payload is lost when it passes through a number.
  const equal = (each) => each.length === data.length && each.every((value, i) => Object.is(value, data[i]));
  // Without channels the order is the file's; with them one axis of as many values was moved.
  const candidates = sizes.flatMap((size, axis) => {
    const space = sizes.filter((_, i) => i !== axis);
    return size === channels && long(space) === long(shape) ? [axisLast(values, sizes, axis)] : [];
  });
  if (channels === 1 && long(sizes) === long(shape)) candidates.push(values);
  // A vector's axes may be several: channels are then the slowest.
  if (long(sizes.slice(0, 3)) === long(shape)) candidates.push(values);
  if (candidates.length === 0)
    throw new OtherValues(`shape [${shape}] of ${channels} channels, the oracle has [${sizes}]`);
  if (!candidates.some(equal)) throw new OtherValues(`other values than the oracle's ${type} [${sizes}]`);
}

/**
 * Returns `read` with its result judged by `oracle(bytes, volume)`, which compares and throws. An oracle that
 * cannot decode what the reader accepted is a finding too.
 */
export const judged = (read, oracle) => async (bytes) => {
  const volume = await read(bytes);
  oracle(Buffer.from(bytes), volume);
  return volume;
};
