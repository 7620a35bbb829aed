import {
  type DataType,
  elementCount,
  InvalidArgumentError,
  invalidArgument,
  type Tensor,
} from "@pixelcal/core";
import { type DeclaredValue, fromNumbers, type Graph, rewrite } from "@pixelcal/graph";

/**
 * The values of a network's inputs beside the image, by name: one number for every element, or the elements
 * in row-major order, of all samples or of one.
 */
export type FurtherInputs = Readonly<Record<string, number | readonly number[]>>;

/** An input as a file or a graph declares it. */
type Declared = Pick<DeclaredValue, "name" | "type" | "dims">;

/**
 * Returns the image among a network's inputs, the only one without a value. Throws `InvalidArgumentError` if
 * there are several or none, and for values of inputs that the network does not have.
 */
export function imageAmong<I extends Declared>(inputs: readonly I[], values: FurtherInputs = {}): I {
  const unknown = Object.keys(values).find((name) => !inputs.some((input) => input.name === name));
  if (unknown !== undefined)
    throw invalidArgument("inputs", `names among ${inputs.map(({ name }) => name).join(", ")}`, unknown);
  const open = inputs.filter(({ name }) => !Object.hasOwn(values, name));
  const [image, ...more] = open;
  if (image !== undefined && more.length === 0) return image;
  const got = open.length === 0 ? `values for all ${inputs.length}` : open.map(described).join(" and ");
  throw invalidArgument("inputs", "one input without a value, the image", got);
}

const described = ({ name, type, dims }: Declared): string =>
  `${name} ${type} [${dims?.join(", ") ?? "any rank"}]`;

/**
 * Returns the further inputs of a network as tensors, for an image of these dims as the network declares it.
 * An open size is that of the image's axis of the same name; a first one else is the batch, and another one
 * follows from the number of values.
 */
export function furtherTensors(
  inputs: readonly Declared[],
  values: FurtherInputs | undefined,
  dims: readonly number[],
): Readonly<Record<string, Tensor>> {
  if (values === undefined) return {};
  const image = imageAmong(inputs, values);
  const sizes = new Map(image.dims?.map((size, axis) => [size, dims[axis]!]));
  return Object.fromEntries(
    inputs
      .filter((input) => input !== image)
      .map((input) => {
        const given = values[input.name]!;
        const own = (input.dims ?? []).map((size, axis) =>
          typeof size === "number" ? size : (sizes.get(size) ?? (axis === 0 ? dims[0]! : undefined)),
        );
        return [input.name, furtherTensor(input, given, own)];
      }),
  );
}

function furtherTensor(
  { name, type: stored, dims: declared }: Declared,
  given: number | readonly number[],
  sizes: readonly (number | undefined)[],
): Tensor {
  const where = `inputs.${name}`;
  if (stored === "unknown" || stored === "bfloat16")
    throw new InvalidArgumentError(where, `${where}: ${stored} inputs cannot be given`);
  // A graph has float32 in place of float16.
  const type = (stored === "float16" ? "float32" : stored) as DataType;
  const list = typeof given === "number" ? [given] : given;
  if (!(Array.isArray(list) && list.length > 0 && list.every((value) => fitsType(type, value))))
    throw invalidArgument(where, `${type} numbers`, given);
  const missing = sizes.filter((size) => size === undefined).length;
  const known = sizes.reduce<number>((product, size) => product * (size ?? 1), 1);
  if (missing > 1 || (missing === 1 && list.length % known !== 0))
    throw invalidArgument(where, `as many values as [${declared?.join(", ")}] takes`, list.length);
  const dims = sizes.map((size) => size ?? list.length / known);
  const count = elementCount(dims);
  if (list.length !== 1 && list.length !== count && list.length * dims[0]! !== count)
    throw invalidArgument(where, `1 value or ${count}, for dims [${dims.join(", ")}]`, list.length);
  const data = Array.from({ length: count }, (_, i) => list[i % list.length]!);
  return fromNumbers(type, data, dims);
}

/** The smallest and the largest number of each integer type; those of 64 bits are JavaScript's own. */
const ranges: Readonly<Record<string, readonly [number, number]>> = {
  bool: [0, 1],
  int8: [-(2 ** 7), 2 ** 7 - 1],
  int16: [-(2 ** 15), 2 ** 15 - 1],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint8: [0, 2 ** 8 - 1],
  uint16: [0, 2 ** 16 - 1],
  uint32: [0, 2 ** 32 - 1],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

function fitsType(type: DataType, value: unknown): value is number {
  if (typeof value !== "number" || !Number.isFinite(value)) return false;
  const range = ranges[type];
  return range === undefined || (Number.isInteger(value) && value >= range[0] && value <= range[1]);
}

/** Returns a graph whose further inputs have become constants. */
export function withFurtherInputs(model: Graph, values: FurtherInputs | undefined): Graph {
  if (values === undefined) return model;
  const image = imageAmong(model.inputs, values);
  const tensors = furtherTensors(model.inputs, values, image.dims);
  return rewrite(model, {
    input: ({ name }, target) => (Object.hasOwn(tensors, name) ? target.constant(tensors[name]!) : undefined),
  });
}
