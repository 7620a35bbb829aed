import { numberOf, numbersOf, textOf } from "../attributes.js";
import { fromNumbers } from "../data-types.js";
import { graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { integers, scalar } from "../operators/operand.js";
import { type Call, numbersAt, withoutAttributes } from "./call.js";

/** Writes a node of an older or newer operator set as `OPSET` has it. */
type Form = (call: Call) => Call;

/**
 * Moves numbers that were attributes to the inputs: attributes by name, each with its place among the inputs.
 */
const inputsNow =
  (places: Readonly<Record<string, number>>): Form =>
  (call) => {
    const operands = [...call.operands];
    for (const [name, index] of Object.entries(places)) {
      const value = call.attributes[name];
      if (value === undefined) continue;
      while (operands.length < index) operands.push(undefined);
      operands[index] = constantOf(call, value as number | readonly number[]);
    }
    return withoutAttributes({ ...call, operands }, ...Object.keys(places));
  };

function constantOf({ graph, operands }: Call, value: number | readonly number[]): Value {
  if (typeof value === "object") return integers(graph, value);
  return scalar(graph, operands[0]?.type ?? "float32", value);
}

const axes = inputsNow({ axes: 1 });

/**
 * Scales as floats in the third input, outputs at the place of the first input they
 * show, as sets 9 and 10 had it.
 */
const upsampled: Form = (call) => {
  const given = numbersOf(call, "scales");
  const scales =
    given === undefined
      ? call.operands[1]
      : call.graph.constant(fromNumbers("float32", given, [given.length]));
  const known = numbersAt({ ...call, operands: [scales] }, 0);
  if (known?.some((scale) => scale < 1))
    throw graphError(call.name, `scales of 1 or more for ${call.opType} of set ${call.version}`, known);
  return {
    ...call,
    opType: "Resize",
    operands: [call.operands[0], undefined, scales],
    attributes: {
      mode: textOf(call, "mode", "nearest"),
      coordinate_transformation_mode: "asymmetric",
      nearest_mode: "floor",
    },
  };
};

/** More than one output means statistics of the batch; of five, the last two no longer exist. */
const oldBatchNormalization: Form = (call) =>
  call.outputs === 1
    ? call
    : { ...call, outputs: Math.min(call.outputs, 3), attributes: { ...call.attributes, training_mode: 1 } };

/** The sets, up to `to`, that write an operator in another way. */
const forms: Readonly<Record<string, readonly { readonly to: number; readonly form: Form }[]>> = {
  BatchNormalization: [{ to: 13, form: oldBatchNormalization }],
  Clip: [{ to: 10, form: inputsNow({ min: 1, max: 2 }) }],
  Pad: [{ to: 10, form: inputsNow({ pads: 1, value: 2 }) }],
  Resize: [{ to: 10, form: upsampled }],
  Slice: [{ to: 9, form: inputsNow({ starts: 1, ends: 2, axes: 3 }) }],
  Split: [{ to: 12, form: inputsNow({ split: 1 }) }],
  Squeeze: [{ to: 12, form: axes }],
  TopK: [
    {
      to: 9,
      form: (call) =>
        inputsNow({ k: 1 })({ ...call, attributes: { ...call.attributes, k: [numberOf(call, "k")] } }),
    },
  ],
  Unsqueeze: [{ to: 12, form: axes }],
  Upsample: [{ to: 9, form: upsampled }],
  ReduceSum: [{ to: 12, form: axes }],
  ...Object.fromEntries(
    ["L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "SumSquare"].map((name) => [
      `Reduce${name}`,
      [{ to: 17, form: axes }],
    ]),
  ),
};

/** Returns the node as `OPSET` writes it; `meansTheSame` refuses those that it cannot write. */
export function convertToOpset(call: Call): Call {
  const known = Object.hasOwn(forms, call.opType) ? forms[call.opType] : undefined;
  const form = known?.find(({ to }) => call.version <= to)?.form;
  return form === undefined ? call : form(call);
}
