import { InvalidArgumentError, Option } from "commander";

/** Returns the option that every command with a network has. */
export function deviceOption(): Option {
  return new Option(
    "--device <device>",
    "device to run the network on (default: the configuration's, else cpu)",
  ).choices(["cpu", "webgpu", "cuda"]);
}

/** Returns the option of every command that reports. */
export function jsonOption(): Option {
  return new Option("--json", "print the report as one JSON object, in place of text");
}

/** Returns a reader of integers of `least` or more. */
export function integer(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && Number.isSafeInteger(value) && value >= least) return value;
    throw new InvalidArgumentError(`Expected an integer of ${least} or more.`);
  };
}

/** Reads a label: any int32 above the smallest. */
export function label(text: string): number {
  const value = Number(text);
  if (/^-?\d+$/.test(text) && Math.abs(value) < 2 ** 31) return value;
  throw new InvalidArgumentError("Expected an integer, the label to ignore, for example 255.");
}

/** Returns a reader of numbers of `least` or more, below `limit`. */
export function number(least: number, limit: number = Number.POSITIVE_INFINITY): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value >= least && value < limit) return value;
    const range = Number.isFinite(limit) ? `from ${least} to below ${limit}` : `of ${least} or more`;
    throw new InvalidArgumentError(`Expected a number ${range}.`);
  };
}

/** Returns a reader of numbers above `least` and below `limit`. */
export function between(least: number, limit: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== "" && value > least && value < limit) return value;
    throw new InvalidArgumentError(`Expected a number above ${least} and below ${limit}.`);
  };
}

/** Reads the rule of a decision: "volume>V" or "lesion>V". */
export function decisionRule(text: string): string {
  const [, limit] = /^(?:volume|lesion)\s*>\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)$/.exec(text) ?? [];
  if (limit !== undefined && Number.isFinite(Number(limit))) return text;
  throw new InvalidArgumentError('Expected a rule such as "volume>100" or "lesion>30".');
}

/** Reads a percentile, a number from 0 to 100. */
export function percentile(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 100) return value;
  throw new InvalidArgumentError("Expected a number from 0 to 100.");
}

/** Reads one number of 0 or more, or several separated by commas. */
export function numbers(text: string): number | readonly number[] {
  const values = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (!values.every((value) => value >= 0 && value < Number.POSITIVE_INFINITY))
    throw new InvalidArgumentError("Expected a number of 0 or more, or several, for example 1,2.5.");
  return values.length === 1 ? values[0]! : values;
}

/** Reads sizes along the spatial axes: "160x160" or "32x96x96". */
export function sizes(text: string): readonly number[] {
  const parts = text.split("x");
  if (parts.length >= 2 && parts.length <= 3 && parts.every((part) => /^[1-9]\d{0,6}$/.test(part))) {
    return parts.map(Number);
  }
  throw new InvalidArgumentError("Expected 2 or 3 sizes, for example 160x160 or 32x96x96.");
}

/** Returns a reader of names separated by commas, each one of `known`. */
export function names<T extends string>(known: readonly T[]): (text: string) => readonly T[] {
  return (text) =>
    text.split(",").map((part) => {
      const name = known.find((candidate) => candidate === part.trim());
      if (name !== undefined) return name;
      throw new InvalidArgumentError(`Expected names among ${known.join(", ")}.`);
    });
}

/** Returns a reader of some of these names, separated by commas. */
export function someOf<N extends string>(names: readonly N[]): (text: string) => readonly N[] {
  return (text) => {
    const chosen = text.split(",").map((part) => part.trim());
    const unknown = chosen.find((name) => !names.includes(name as N));
    if (unknown === undefined) return chosen as N[];
    throw new InvalidArgumentError(`Expected some of ${names.join(", ")}, separated by commas.`);
  };
}

/** Reads an axis of an array behind the first: 1 to 4, or -1 for the last. */
function axis(text: string): number {
  if (/^-?[1-4]$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected an axis from 1 to 4, or -1 for the last.");
}

/** Reads values of one input of a network, NAME=NUMBER or NAME=NUMBER,NUMBER, and adds them to `known`. */
function inputValue(
  text: string,
  known: Readonly<Record<string, readonly number[]>> = {},
): Readonly<Record<string, readonly number[]>> {
  const [, name, list] = /^(.+)=([^=]+)$/.exec(text) ?? [];
  const values = list?.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part))) ?? [];
  if (name === undefined || name === "__proto__" || !values.every(Number.isFinite))
    throw new InvalidArgumentError("Expected the input's name and its values, for example spacing=1,1,2.5.");
  if (Object.hasOwn(known, name)) throw new InvalidArgumentError(`Expected one value for ${name}.`);
  return { ...known, [name]: values };
}

/** The way to read a network that the options of a command give. */
export interface ReadingOptions {
  readonly classAxis?: number;
  readonly channelAxis?: number;
  readonly channels?: "repeat";
  readonly input?: Readonly<Record<string, readonly number[]>>;
}

/** Returns the options of every command that reads an ONNX file. */
export const readingOptions = (): readonly Option[] => [
  new Option(
    "--class-axis <axis>",
    "class axis of the outputs, 1 to 4, or -1 for the last (default: 1)",
  ).argParser(axis),
  new Option(
    "--channel-axis <axis>",
    "channel axis of the image, 1 to 4, or -1 for the last (default: 1)",
  ).argParser(axis),
  new Option(
    "--channels <mode>",
    "repeat: images of one channel are given to each channel of the network, as RGB networks need",
  ).choices(["repeat"]),
  new Option(
    "--input <name=values>",
    "values of an input beside the image, for example step=0 or spacing=1,1,2.5; once for each input",
  ).argParser(inputValue),
];

/** Returns the options of a network that a command's own give. */
export function readingOf({
  classAxis,
  channelAxis,
  channels,
  input,
}: ReadingOptions): Omit<ReadingOptions, "input"> & { readonly inputs?: ReadingOptions["input"] } {
  return { classAxis, channelAxis, channels, inputs: input };
}

/** Reads a fold of a cross-validation: its number from 0, or "all". */
export function foldOrAll(text: string): number | "all" {
  if (text === "all") return text;
  if (/^\d{1,3}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Expected the number of a fold, from 0, or all.");
}

/** Reads folds of a cross-validation: "0,1,2". */
export function foldList(text: string): readonly number[] {
  const parts = text.split(",");
  if (parts.every((part) => /^\d{1,3}$/.test(part)) && new Set(parts).size === parts.length)
    return parts.map(Number);
  throw new InvalidArgumentError("Expected different folds from 0, for example 0,1,2,3,4.");
}

/** Reads spatial axes to mirror along: "0,2", "all" or "none". */
export function flipAxes(text: string): readonly number[] | "all" {
  if (text === "all") return text;
  if (text === "none") return [];
  const parts = text.split(",");
  if (parts.every((part) => /^[0-2]$/.test(part)) && new Set(parts).size === parts.length)
    return parts.map(Number);
  throw new InvalidArgumentError("Expected different axes from 0 to 2, for example 0,1, or all, or none.");
}

/** Returns the option for nnU-Net's description of a data set. */
export function datasetOption(): Option {
  const where = "(default: in or above the folder of predictions or labels)";
  return new Option("--dataset <file>", `nnU-Net's dataset.json ${where}`);
}

/** Returns the option that decides between two spacings of a NIfTI file. */
export function spacingFromOption(): Option {
  return new Option(
    "--spacing-from <field>",
    "field that decides where a NIfTI label map's sform and pixdim disagree (default: such a file is an error)",
  ).choices(["sform", "pixdim"]);
}

/** Returns the option that allows the axes of label maps to be turned. */
export function reorientOption(): Option {
  return new Option(
    "--reorient",
    "turn label maps onto the predictions' grid where the axes are only ordered or flipped otherwise",
  ).default(false);
}
