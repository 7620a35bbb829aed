import { InvalidArgumentError, invalidArgument } from "@pixelcal/core";
import {
  type DeclaredValue,
  inspectModel,
  modelOperators,
  type OnnxFile,
  type StoredNode,
  storedSources,
} from "@pixelcal/graph";
import { axisOf, type CanonicalOptions } from "./canonical.js";
import { imageAmong } from "./further-inputs.js";
import { movingOperators } from "./image-and-logits.js";
import { decided, keeping } from "./probability-outputs.js";

/** A file that no graph can be made of, such as a quantised one: the runtime predicts with it as it is. */
export interface PassThrough {
  /** Why no graph can be made of it. */
  readonly reason: string;
  readonly image: DeclaredValue;
  readonly output: DeclaredValue;
  /** The function at the output's end: of logits before it, or none. */
  readonly activation: "none" | "softmax" | "log-softmax" | "sigmoid";
  /** The value before the activation, or the output itself; undefined where it is of 8 bits. */
  readonly logits: string | undefined;
  /** Whether the output's axes are moved behind the activation. */
  readonly moved: boolean;
  /** Whether probabilities are rounded to 8 bits, so that they need not sum to 1. */
  readonly rounded: boolean;
}

/** Operators that write numbers in 8 bits and read them again. */
const quantising: ReadonlySet<string> = new Set(["QuantizeLinear", "DequantizeLinear"]);

const activations: Readonly<Record<string, PassThrough["activation"]>> = {
  Softmax: "softmax",
  LogSoftmax: "log-softmax",
  Sigmoid: "sigmoid",
  // onnxruntime's own, whose operands and results are of 8 bits.
  "com.microsoft.QLinearSoftmax": "softmax",
  "com.microsoft.QLinearSigmoid": "sigmoid",
};

/** Returns why no graph can be made of a file's operators, undefined if one can. */
function unreadable(file: OnnxFile): string | undefined {
  const names = modelOperators(file)
    .operators.filter(({ known }) => !known)
    .map(({ name }) => name);
  return names.length === 0 ? undefined : `unsupported operators: ${names.join(", ")}`;
}

/**
 * Returns how to predict with a file that no graph can be made of; undefined if one can. Throws
 * `InvalidArgumentError` for options that do not fit, and for outputs of which the file does not say whether
 * they hold logits or probabilities.
 */
export function passThrough(file: OnnxFile, options: CanonicalOptions = {}): PassThrough | undefined {
  const reason = unreadable(file);
  if (reason === undefined) return undefined;
  const { inputs, outputs } = inspectModel(file);
  const image = imageAmong(inputs, options.inputs);
  if (image.type !== "float32" && image.type !== "float16")
    throw invalidArgument("model", "a float32 or float16 image", `${image.name} ${image.type}`);
  const output = chosenOutput(outputs, options.outputs);
  if (output.type !== "float32" && output.type !== "float16")
    throw invalidArgument("outputs", "a float32 or float16 output", `${output.name} ${output.type}`);
  return { reason, image, output, ...endOf(file, output, options) };
}

function chosenOutput(
  outputs: readonly DeclaredValue[],
  chosen: readonly string[] | undefined,
): DeclaredValue {
  const names = outputs.map(({ name }) => name).join(", ");
  const [first] = outputs;
  if (chosen === undefined) {
    if (first !== undefined && outputs.length === 1) return first;
    throw new InvalidArgumentError("outputs", `outputs: choose among ${names}`);
  }
  const output = outputs.find(({ name }) => name === chosen[0]);
  if (output === undefined || chosen.length !== 1)
    throw invalidArgument("outputs", `one of ${names}`, chosen.join(", "));
  return output;
}

function endOf(
  file: OnnxFile,
  { name, dims }: DeclaredValue,
  { classAxis = 1 }: CanonicalOptions,
): Pick<PassThrough, "activation" | "logits" | "moved" | "rounded"> {
  let [moved, rounded] = [false, false];
  let derived: StoredNode | undefined;
  for (const node of storedSources(file, name)) {
    const { opType, inputs, axis } = node;
    const activation = Object.hasOwn(activations, opType) ? activations[opType] : undefined;
    if (activation !== undefined) {
      if (derived !== undefined) throw notItself(name, `${derived.opType} of a ${activation}`);
      const wanted = dims && axisOf("classAxis", classAxis, Math.max(2, dims.length));
      const own = axis === undefined || dims === undefined ? undefined : axis < 0 ? axis + dims.length : axis;
      if (activation !== "sigmoid" && !moved && own !== undefined && own !== wanted)
        throw invalidArgument("classAxis", `${own}, over which ${name} has its softmax`, classAxis);
      const narrow = opType.startsWith("com.microsoft.");
      return { activation, logits: narrow ? undefined : inputs[0], moved, rounded: rounded || narrow };
    }
    if (Object.hasOwn(decided, opType)) throw notItself(name, decided[opType]!);
    if (quantising.has(opType)) rounded = true;
    else if (movingOperators.has(opType)) moved ||= opType !== "Identity" && opType !== "Cast";
    else if (keeping.has(opType)) derived ??= node;
    else break;
  }
  return { activation: "none", logits: name, moved: false, rounded: false };
}

const notItself = (name: string, got: string): Error =>
  invalidArgument(
    "outputs",
    "logits, or a softmax or sigmoid of them",
    `${got} in ${name}: name an output before it`,
  );

/** Returns the number of channels of the output. Throws if the file does not declare it. */
export function declaredChannels({ output }: PassThrough, { classAxis = 1 }: CanonicalOptions): number {
  const { name, dims } = output;
  const channels = dims?.[axisOf("classAxis", classAxis, Math.max(2, dims.length))];
  if (typeof channels === "number") return channels;
  throw invalidArgument(
    "outputs",
    `an output that declares its classes`,
    `${name} [${dims?.join(", ") ?? "any rank"}]`,
  );
}

/** Tells whether an output's channels are sigmoids of their own, which may overlap. */
export const isMultiLabel = (ends: PassThrough, options: CanonicalOptions): boolean =>
  ends.activation === "sigmoid" && declaredChannels(ends, options) > 1;
