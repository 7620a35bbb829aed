import { asImage, asLabels, type Labels, reshape, type Tensor, tensor } from "@pixelcal/core";
import { checkSameGrid, readCase, readPrediction, readVolume, type Volume } from "@pixelcal/io";
import { uploadsOf } from "./multipart.js";
import { Refusal } from "./refusal.js";

/** A case with its probabilities. */
export interface PredictedCase {
  /** The probabilities (or logits, if the request says so), [C, ...spatial]. */
  readonly probs: Tensor<"float32">;
  readonly labels: Labels;
  readonly spacing?: readonly number[];
}

/** A case that is still to be predicted. */
export interface ImageCase {
  /** The image, [C, ...spatial]. */
  readonly image: Tensor<"float32">;
  readonly labels?: Labels;
  readonly spacing?: readonly number[];
}

/**
 * Reads a case to score: an NPZ archive with `probs` and `label`, or a form with the files `probs` and
 * `label`, each in any format of `readVolume`, on one grid.
 */
export async function readPredicted(body: Uint8Array, contentType: string): Promise<PredictedCase> {
  if (!isForm(contentType)) return readPrediction(body, { source: "case.npz", values: "any" });
  const [probs, label] = await volumes(body, contentType, ["probs", "label"]);
  return {
    probs: await channelsFirst(probs!),
    labels: await labelsOf(label!),
    spacing: label!.spacing.toReversed(),
  };
}

/** Reads a case to predict: an NPZ archive with `image` and `label`, or a form with these files. */
export async function readImage(body: Uint8Array, contentType: string): Promise<ImageCase> {
  if (!isForm(contentType)) return readCase(body, { source: "case.npz" });
  const [image, label] = await volumes(body, contentType, ["image"], ["label"]);
  const spacing = image!.spacing.toReversed();
  const item = { image: await channelsFirst(image!), spacing };
  return label ? { ...item, labels: await labelsOf(label) } : item;
}

const isForm = (contentType: string): boolean => contentType.startsWith("multipart/form-data");

async function volumes(
  body: Uint8Array,
  contentType: string,
  needed: readonly string[],
  optional: readonly string[] = [],
): Promise<readonly (Volume | undefined)[]> {
  const uploads = await uploadsOf(body, contentType);
  const fields = [...needed, ...optional];
  const strange = [...uploads.keys()].find((field) => !fields.includes(field));
  const missing = needed.find((field) => !uploads.has(field));
  if (strange !== undefined || missing !== undefined) {
    const got = [...uploads.keys()].join(", ") || "none";
    throw new Refusal(422, "fields", `expected the files ${fields.join(" and ")}, got ${got}`);
  }
  const read: (Volume | undefined)[] = [];
  for (const field of fields) {
    const upload = uploads.get(field);
    read.push(upload && (await readVolume(upload.bytes, { source: upload.name })));
  }
  const [first, label] = read;
  if (!first || !label) return read;
  const dense = withChannels(first, label.shape.length);
  checkSamePlace(dense, fields[0]!, label, fields[1]!);
  return [dense, label];
}

/** The formats without a geometry; only their shapes can be compared. */
const plain: ReadonlySet<string> = new Set(["npy", "npz", "png"]);

const isPlain = ({ format }: Volume): boolean => plain.has(format.toLowerCase());

/** Takes the first axis of a NumPy array for channels if it has one axis more than the labels. */
function withChannels(volume: Volume, rank: number): Volume {
  const { shape, spacing, direction, channels } = volume;
  if (!isPlain(volume) || channels !== undefined || shape.length !== rank + 1) return volume;
  const cut = <T>(axes: readonly T[]): readonly T[] => axes.slice(0, rank);
  return {
    ...volume,
    channels: shape[rank]!,
    shape: cut(shape),
    spacing: cut(spacing),
    direction: cut(direction),
  };
}

function checkSamePlace(a: Volume, aName: string, b: Volume, bName: string): void {
  const shapes = [a, b].map(({ shape }) => shape.toReversed().join(" x "));
  if (shapes[0] !== shapes[1])
    throw new Refusal(422, "geometry", `${aName} has ${shapes[0]} pixels, ${bName} has ${shapes[1]}`);
  if (!isPlain(a) && !isPlain(b)) checkSameGrid(aName, a, bName, b);
}

/** Returns the real values of a volume as a tensor [C, ...spatial]; works off the event loop. */
async function channelsFirst({
  type,
  data,
  channels = 1,
  shape,
  scaled,
}: Volume): Promise<Tensor<"float32">> {
  const { slope: scale, inter: shift } = scaled ?? { slope: 1, inter: 0 };
  const dims = [channels, ...shape.toReversed()];
  return reshape(await asImage(tensor(type, data, dims), { channels: "first", scale, shift }), dims);
}

/** Returns the labels of a volume, [...spatial]; works off the event loop. */
async function labelsOf({ type, data, channels = 1, shape }: Volume): Promise<Labels> {
  if (channels !== 1) throw new Refusal(422, "type", `label: expected one value per pixel, got ${channels}`);
  const dims = shape.toReversed();
  return reshape(await asLabels(tensor(type, data, dims)), dims);
}
