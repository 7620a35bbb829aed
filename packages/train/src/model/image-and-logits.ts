import { InvalidArgumentError, invalidArgument, sameDims, type Tensor } from "@pixelcal/core";
import { type Graph, rewrite, type Value, weightRoles } from "@pixelcal/graph";

export { weightRoles as rolesOf } from "@pixelcal/graph";

/** Operators that hand on what they are given in another form. */
export const movingOperators: ReadonlySet<string> = new Set([
  "Identity",
  "Transpose",
  "Cast",
  "Reshape",
  "Squeeze",
  "Unsqueeze",
  "Flatten",
]);

/**
 * Returns the name of the array or input that a value is a view of: exporters write Transpose(weight) for a
 * linear layer.
 */
export function storedName(value: Value | undefined): string | undefined {
  let source = value;
  while (source?.node !== undefined && movingOperators.has(source.node.opType))
    source = source.node.inputs[0];
  return source?.node === undefined ? source?.name : undefined;
}

/**
 * Returns a canonical model's image input and its first logits output. Throws `InvalidArgumentError` for
 * other models.
 */
export function imageAndLogits(model: Graph): { readonly image: Value; readonly logits: Value } {
  const [image, ...more] = model.inputs;
  const [logits, ...others] = model.outputs.values();
  if (image === undefined || logits === undefined || more.length > 0) {
    const got = `${model.inputs.length} inputs, ${model.outputs.size} outputs`;
    throw invalidArgument("model", "one image input and a logits output", got);
  }
  const odd = [logits, ...others].find((value) => !fitsImage(value, image));
  if (odd !== undefined || image.dims.length < 3) {
    const value = odd ?? logits;
    const got = `${image.type} [${image.dims}] and ${value.type} [${value.dims}]`;
    throw invalidArgument(
      "model",
      "float32 image [N, C, ...spatial] and logits [N, classes, ...spatial]",
      got,
    );
  }
  const other = others.find(({ dims }) => dims[1] !== logits.dims[1]);
  if (other !== undefined) {
    throw invalidArgument(
      "outputs",
      `outputs of the same ${logits.dims[1]} classes`,
      `${other.name} [${other.dims}]`,
    );
  }
  return { image, logits };
}

const fitsImage = (logits: Value, image: Value): boolean =>
  image.type === "float32" &&
  logits.type === "float32" &&
  sameDims(image.dims.toSpliced(1, 1), logits.dims.toSpliced(1, 1));

/**
 * Returns the model with trained arrays in place of its own: `arrays` must hold every parameter and buffer in
 * its shape.
 */
export function withArrays(model: Graph, arrays: Readonly<Record<string, Tensor>>): Graph {
  const { parameters, buffers } = weightRoles(model);
  const trained = new Set([...parameters, ...buffers]);
  for (const name of trained) {
    const { type, dims } = model.initializers.get(name)!;
    const given = Object.hasOwn(arrays, name) ? arrays[name] : undefined;
    const expected = `${type} [${dims.join(", ")}]`;
    if (given === undefined) throw new InvalidArgumentError(name, `${name}: missing; expected ${expected}`);
    if (given.type !== type || !sameDims(given.dims, dims))
      throw invalidArgument(name, expected, `${given.type} [${given.dims.join(", ")}]`);
  }
  return rewrite(model, {
    initializer: (name, _, target) =>
      trained.has(name) ? target.initializer(name, arrays[name]!) : undefined,
  });
}
