import { elementCount, invalidArgument, type Tensor } from "@pixelcal/core";
import { DeviceTensor } from "./device-tensor.js";
import type { RunOptions, Session, Tensors, ValueInfo } from "./session.js";

/** Throws `InvalidArgumentError` unless tensors fit a session's inputs and outputs; returns the outputs asked for. */
export function checkRun(
  session: Pick<Session, "device" | "inputs" | "outputs">,
  feeds: Tensors,
  { outputs, into = {} }: RunOptions,
): readonly ValueInfo[] {
  for (const input of session.inputs) checkValue(input, feeds[input.name], session.device);
  const unknown = Object.keys(feeds).filter((name) => !session.inputs.some((input) => input.name === name));
  if (unknown.length > 0) throw invalidArgument("feeds", namesOf(session.inputs), unknown.join(", "));
  const wanted = outputs?.map((name) => {
    const output = session.outputs.find((known) => known.name === name);
    if (output === undefined) throw invalidArgument("outputs", namesOf(session.outputs), name);
    return output;
  });
  for (const output of wanted ?? session.outputs) {
    const target = into[output.name];
    if (target !== undefined) checkValue(output, target);
  }
  return wanted ?? session.outputs;
}

const namesOf = (values: readonly ValueInfo[]): string => values.map(({ name }) => name).join(", ");

function checkValue(value: ValueInfo, tensor: Tensor | undefined, device?: string): void {
  const wanted = `${value.type} [${value.dims.join(", ")}]`;
  if (tensor === undefined) throw invalidArgument(value.name, wanted, "nothing");
  const away = tensor instanceof DeviceTensor;
  // Another device would read its own memory there, without an error.
  if (away && tensor.device !== device) {
    throw invalidArgument(value.name, `an array here or on ${device}`, `one on ${tensor.device}`);
  }
  const fits =
    tensor.type === value.type &&
    tensor.dims.length === value.dims.length &&
    value.dims.every((size, axis) => typeof size === "string" || size === tensor.dims[axis]) &&
    (away || tensor.data.length === elementCount(tensor.dims));
  if (!fits) throw invalidArgument(value.name, wanted, `${tensor.type} [${tensor.dims.join(", ")}]`);
}
