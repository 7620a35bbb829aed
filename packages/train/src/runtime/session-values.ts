import type { DataType, Tensor } from "@pixelcal/core";
import { elementCount, holds, InvalidArgumentError, invalidArgument } from "@pixelcal/core";
import { GpuTensor } from "./gpu-tensor.js";

export interface ValueInfo {
  readonly name: string;
  readonly type: DataType;
  /** One entry per axis; a string names a size that is only known at run time. */
  readonly dims: readonly (number | string)[];
}

export type Tensors = Readonly<Record<string, Tensor>>;

export interface RunOptions {
  /** Names of the outputs to return; all by default. */
  readonly outputs?: readonly string[];
  /** Tensors to write outputs of these names to, instead of new ones. */
  readonly into?: Tensors;
}

/** The values that a session on a device takes and gives. */
interface SessionValues {
  readonly device: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
}

/**
 * Throws `InvalidArgumentError` unless tensors fit a session's inputs and outputs; returns the requested
 * outputs.
 */
export function checkRun(
  session: SessionValues,
  feeds: Tensors,
  { outputs, into = {} }: RunOptions,
): readonly ValueInfo[] {
  if (typeof feeds !== "object" || feeds === null) throw invalidArgument("feeds", "named tensors", feeds);
  for (const input of session.inputs) checkValue(input, own(feeds, input.name), session.device);
  const unknown = Object.keys(feeds).filter((name) => !session.inputs.some((input) => input.name === name));
  if (unknown.length > 0) throw invalidArgument("feeds", namesOf(session.inputs), unknown.join(", "));
  const wanted = outputs?.map((name) => {
    const output = session.outputs.find((known) => known.name === name);
    if (output === undefined) throw invalidArgument("outputs", namesOf(session.outputs), name);
    return output;
  });
  for (const output of wanted ?? session.outputs) {
    const target = own(into, output.name);
    if (target !== undefined) checkValue(output, target);
  }
  return wanted ?? session.outputs;
}

const namesOf = (values: readonly ValueInfo[]): string => values.map(({ name }) => name).join(", ");

function checkValue(value: ValueInfo, tensor: Tensor | undefined, device?: string): void {
  const wanted = `${value.type} [${value.dims.join(", ")}]`;
  if (tensor === undefined)
    throw new InvalidArgumentError(value.name, `${value.name}: missing; expected ${wanted}`);
  if (typeof tensor !== "object" || tensor === null || !Array.isArray(tensor.dims))
    throw invalidArgument(value.name, `${wanted} as a tensor`, tensor);
  const away = tensor instanceof GpuTensor;
  // Another device would read its own memory at that address, without an error.
  if (away && tensor.device !== device) {
    throw invalidArgument(value.name, `an array here or on ${device}`, `one on ${tensor.device}`);
  }
  const fits =
    tensor.type === value.type &&
    tensor.dims.length === value.dims.length &&
    value.dims.every((size, axis) => typeof size === "string" || size === tensor.dims[axis]) &&
    (away || holds(tensor.type, tensor.data));
  if (fits && !away && tensor.data.length !== elementCount(tensor.dims)) {
    const elements = `${elementCount(tensor.dims)} elements for dims [${tensor.dims.join(", ")}]`;
    throw invalidArgument(value.name, elements, tensor.data.length);
  }
  if (!fits) throw invalidArgument(value.name, wanted, `${tensor.type} [${tensor.dims.join(", ")}]`);
}

/** Returns a record's own value of a name; a model may use names that objects inherit. */
const own = <T>(record: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(record, name) ? record[name] : undefined;
