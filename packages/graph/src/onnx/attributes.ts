import type { DataType, Tensor } from "@pixelcal/core";
import { fromNumbers } from "../data-types.js";
import { GraphError, graphError } from "../errors.js";
import type { Attribute } from "../ir.js";
import { type AttributeProto, attributeTypes, type NodeProto } from "./onnx-proto.js";
import { parseTensor, type TensorOptions } from "./read-tensor.js";

/** Returns a node's attributes by name. */
export function attributesOf(
  { attributes = [] }: NodeProto,
  where: string,
  tensors: TensorOptions,
  known: Map<object, Attribute>,
): Record<string, Attribute> {
  const values: Record<string, Attribute> = Object.create(null);
  for (const attribute of attributes) {
    const { name = "" } = attribute;
    if (name in values) throw new GraphError(`${where}.${name}`, "is given twice");
    const stored = storedIn(attribute);
    const before = stored && known.get(stored);
    values[name] = before ?? attributeValue(attribute, `${where}.${name}`, tensors);
    if (stored !== undefined) known.set(stored, values[name]);
  }
  return values;
}

/** Returns the object that holds the value of an attribute which is more than a number. */
const storedIn = ({ type, s, t, floats, ints, strings }: AttributeProto): object | undefined => {
  switch (type) {
    case attributeTypes.string:
      return s;
    case attributeTypes.tensor:
      return t;
    case attributeTypes.floats:
      return floats;
    case attributeTypes.ints:
      return ints;
    case attributeTypes.strings:
      return strings;
    default:
      return undefined;
  }
};

const utf8 = new TextDecoder();

// Which field holds the value follows from the type; absent numbers are 0 and absent lists
// empty, as Protocol Buffers has it.
function attributeValue(attribute: AttributeProto, where: string, tensors: TensorOptions): Attribute {
  switch (attribute.type) {
    case attributeTypes.float:
      return attribute.f ?? 0;
    case attributeTypes.int:
      return attribute.i ?? 0;
    case attributeTypes.string:
      return utf8.decode(attribute.s);
    case attributeTypes.tensor:
      return parseTensor(attribute.t ?? {}, where, tensors);
    case attributeTypes.floats:
      return Array.from(attribute.floats ?? []);
    case attributeTypes.ints:
      return Array.from(attribute.ints ?? [], Number);
    case attributeTypes.strings:
      return attribute.strings ?? [];
    default:
      throw graphError(
        where,
        "a number, a text, a tensor or a list of them",
        `attribute type ${attribute.type}`,
      );
  }
}

/** Returns the tensor a Constant node holds. */
export function constantOf(attributes: Readonly<Record<string, Attribute>>, where: string): Tensor {
  const entries = Object.entries(attributes);
  const [name, value] = entries[0] ?? ["", 0];
  const forms: Readonly<Record<string, DataType>> = {
    value_float: "float32",
    value_floats: "float32",
    value_int: "int64",
    value_ints: "int64",
  };
  if (entries.length === 1 && name === "value" && typeof value === "object" && "data" in value) return value;
  const type = Object.hasOwn(forms, name) ? forms[name] : undefined;
  if (entries.length !== 1 || type === undefined)
    throw graphError(
      where,
      "one value of numbers",
      entries.map(([key]) => key),
    );
  const numbers: unknown = typeof value === "number" ? [value] : value;
  // The attribute's own type may say a text, texts or a tensor.
  if (!Array.isArray(numbers) || !numbers.every((number) => typeof number === "number"))
    throw graphError(`${where}.${name}`, "a number or numbers", "an attribute that is not numeric");
  return fromNumbers(type, numbers, typeof value === "number" ? [] : [numbers.length]);
}
