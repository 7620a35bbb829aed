import { sameDims, type Tensor } from "@pixelcal/core";
import { FormatError, readSafetensors, writeSafetensors } from "@pixelcal/io";

/** The state of a training besides its arrays. It has no times or paths: equal runs write equal bytes. */
export interface TrainingState {
  /** Optimizer updates so far. */
  readonly updates: number;
  readonly epoch: number;
  /** Batches whose gradients are summed in `accumulated`. */
  readonly pending: number;
  readonly model: string;
  readonly loss: string;
  readonly optimizer: string;
  readonly schedule: string;
  /** Other options that change the weights, as JSON; undefined if all are defaults. */
  readonly settings?: string;
  /** These four decide the last bits of every result. */
  readonly device: string;
  readonly threads: number;
  readonly runtime: string;
  /** The processes that trained together; undefined for one alone. */
  readonly ranks?: number;
  /** The caller's data: configuration, progress, state of the loader. */
  readonly extra?: unknown;
}

type Arrays = Readonly<Record<string, Tensor<"float32">>>;

export interface Checkpoint {
  /** Parameters and buffers under their own names, as a PyTorch state dict has them. */
  readonly model: Arrays;
  /** Optimizer state: slot name, then parameter name. */
  readonly slots: Readonly<Record<string, Arrays>>;
  readonly accumulated: Arrays;
  /** Moving averages of the weights and buffers; empty without option `ema`. */
  readonly averaged: Arrays;
  readonly state: TrainingState;
}

/** The current format has a checksum; files of the earlier format are still read. */
const formats = { current: "pixelcal-training-2", earlier: "pixelcal-training-1" } as const;
const slotPrefix = "optimizer/";
const accumulatedPrefix = "accumulated/";
const averagedPrefix = "averaged/";

/**
 * Writes a checkpoint as one .safetensors file with a checksum, atomically: a reader finds the old file or
 * the new one. Throws `InvalidArgumentError` before it writes what `readCheckpoint` would refuse.
 */
export async function writeCheckpoint(path: string, checkpoint: Checkpoint): Promise<void> {
  const tensors: Record<string, Tensor> = Object.assign(Object.create(null), checkpoint.model);
  for (const [slot, arrays] of Object.entries(checkpoint.slots)) {
    for (const [name, array] of Object.entries(arrays)) tensors[`${slotPrefix}${slot}/${name}`] = array;
  }
  for (const [name, array] of Object.entries(checkpoint.accumulated)) {
    tensors[`${accumulatedPrefix}${name}`] = array;
  }
  for (const [name, array] of Object.entries(checkpoint.averaged))
    tensors[`${averagedPrefix}${name}`] = array;
  const metadata = { format: formats.current, state: JSON.stringify(checkpoint.state) };
  await writeSafetensors(path, { tensors, metadata }, { checksum: true });
}

/** Returns a record without a prototype: names from files reach only its own keys. */
const record = <T>(): Record<string, T> => Object.create(null);

/**
 * Reads a checkpoint. Throws `FormatError` when the file is damaged or was not written by `writeCheckpoint`.
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const { tensors, metadata, verified } = await readSafetensors(path);
  const { format } = metadata;
  if (format === undefined) throw new FormatError(path, "format", `missing; expected ${formats.current}`);
  if (format !== formats.current && format !== formats.earlier)
    throw new FormatError(path, "format", `expected ${formats.current}, got ${format}`);
  if (format === formats.current && !verified)
    throw new FormatError(path, undefined, "is damaged: it has no checksum");
  const model = record<Tensor<"float32">>();
  const slots = record<Record<string, Tensor<"float32">>>();
  const accumulated = record<Tensor<"float32">>();
  const averaged = record<Tensor<"float32">>();
  for (const [name, array] of Object.entries(tensors)) {
    if (array.type !== "float32") throw new FormatError(path, name, `expected float32, got ${array.type}`);
    const values = array as Tensor<"float32">;
    if (name.startsWith(accumulatedPrefix)) accumulated[name.slice(accumulatedPrefix.length)] = values;
    else if (name.startsWith(averagedPrefix)) averaged[name.slice(averagedPrefix.length)] = values;
    else if (name.startsWith(slotPrefix)) {
      const rest = name.slice(slotPrefix.length);
      const cut = rest.indexOf("/");
      if (cut < 1) throw new FormatError(path, name, "expected optimizer/SLOT/PARAMETER");
      const slot = rest.slice(0, cut);
      slots[slot] ??= record();
      slots[slot][rest.slice(cut + 1)] = values;
    } else model[name] = values;
  }
  return { model, slots, accumulated, averaged, state: parseState(path, metadata.state) };
}

/** Returns the weights that a checkpoint predicts with: the moving averages if it has them. */
export const predictionWeights = ({ model, averaged }: Checkpoint): Arrays =>
  Object.assign(record(), model, averaged);

function parseState(path: string, text: string | undefined): TrainingState {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text ?? "null") ?? {};
  } catch {
    throw new FormatError(path, "state", "is not JSON");
  }
  if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed))
    throw new FormatError(path, "state", "is not an object");
  const state: Partial<Record<keyof TrainingState, unknown>> = parsed;
  const counts = ["updates", "epoch", "pending", "threads"] as const;
  const words = ["model", "loss", "optimizer", "schedule", "device", "runtime"] as const;
  for (const key of counts) {
    if (!(Number.isSafeInteger(state[key]) && Number(state[key]) >= 0))
      throw new FormatError(path, `state.${key}`, "expected an integer of 0 or more");
  }
  for (const key of words) {
    if (typeof state[key] !== "string") throw new FormatError(path, `state.${key}`, "expected a text");
  }
  return state as TrainingState;
}

/**
 * Copies a checkpoint's arrays into a trainer's. Throws `FormatError` that names missing and unknown arrays
 * and other shapes, before anything is copied.
 */
export function restoreArrays(path: string, from: Checkpoint, into: Omit<Checkpoint, "state">): void {
  const problems: string[] = [];
  const copies: (() => void)[] = [];
  const compare = (place: string, source: Arrays, target: Arrays): void => {
    for (const [name, { dims, data }] of Object.entries(target)) {
      const found = Object.hasOwn(source, name) ? source[name] : undefined;
      if (found === undefined) problems.push(`${place}${name} is missing`);
      else if (!sameDims(found.dims, dims)) {
        problems.push(`${place}${name} is [${found.dims}], expected [${dims}]`);
      } else copies.push(() => data.set(found.data));
    }
    for (const name of Object.keys(source))
      if (!Object.hasOwn(target, name)) problems.push(`${place}${name} is unknown`);
  };
  compare("", from.model, into.model);
  for (const slot of new Set([...Object.keys(from.slots), ...Object.keys(into.slots)])) {
    const of = (slots: Checkpoint["slots"]): Arrays => (Object.hasOwn(slots, slot) ? slots[slot]! : {});
    compare(`${slotPrefix}${slot}/`, of(from.slots), of(into.slots));
  }
  compare(accumulatedPrefix, from.accumulated, into.accumulated);
  compare(averagedPrefix, from.averaged, into.averaged);
  if (problems.length > 0) {
    const shown =
      problems.length > 5 ? [...problems.slice(0, 5), `and ${problems.length - 5} more`] : problems;
    throw new FormatError(path, undefined, `does not fit this trainer: ${shown.join("; ")}`);
  }
  for (const copy of copies) copy();
}

/** Returns a line for each setting in which a checkpoint and a trainer differ. */
export function stateDifferences(saved: TrainingState, now: TrainingState): string[] {
  const keys = [
    "model",
    "loss",
    "optimizer",
    "schedule",
    "settings",
    "device",
    "threads",
    "ranks",
    "runtime",
  ] as const;
  const text = (state: TrainingState, key: (typeof keys)[number]): string | number =>
    state[key] ?? (key === "ranks" ? 1 : "default");
  return keys
    .filter((key) => saved[key] !== now[key])
    .map((key) => `${key}: checkpoint ${text(saved, key)}, now ${text(now, key)}`);
}
