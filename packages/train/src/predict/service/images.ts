import {
  checkOptions,
  checkTensor,
  elementCount,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
  type Tensor,
} from "@pixelcal/core";
import { float16ToFloat32 } from "@pixelcal/io";

/** The images [N, C, ...spatial] that a `Predictor` takes. */
export type PredictorImages = Tensor<"float32"> | Tensor<"float16"> | Tensor<"uint8">;

/**
 * The float32 value of a uint8 pixel, `factor * pixel + offset` in float64, rounded once; one number, or one
 * per channel.
 */
export interface PixelScaling {
  readonly factor: number | readonly number[];
  /** 0 by default. */
  readonly offset?: number | readonly number[];
}

const scalingNames = optionNames<PixelScaling>({ factor: true, offset: true });
const imageTypes = ["float32", "float16", "uint8"] as const;

/** Bytes of an element of each type. */
const sizes: { readonly [T in PredictorImages["type"]]: number } = { float32: 4, float16: 2, uint8: 1 };

/** Returns the bytes of images of a type and dims. */
export const imageBytes = (type: PredictorImages["type"], dims: readonly number[]): number =>
  sizes[type] * elementCount(dims);

/** Throws `InvalidArgumentError` unless `scaling` is a factor and an offset. */
export function checkScaling(scaling: PixelScaling): void {
  checkOptions("scaling", scaling, scalingNames);
  for (const [name, value] of Object.entries({ factor: scaling.factor, offset: scaling.offset ?? 0 })) {
    const values: readonly unknown[] = Array.isArray(value) ? value : [value];
    if (values.length === 0 || !values.every(Number.isFinite))
      throw invalidArgument(`scaling.${name}`, "a finite number, or one per channel", value);
  }
}

/**
 * Throws `InvalidArgumentError` unless images are float32, float16 or uint8 [N, C, ...spatial] with as many
 * elements as their dims say; uint8 needs a scaling, as nothing tells what its values mean to the model.
 */
export function checkImages(images: PredictorImages, scaling?: PixelScaling): void {
  checkTensor("images", images, imageTypes, [3, 5]);
  if (images.type !== "uint8") return;
  if (scaling === undefined) {
    const message =
      "scaling: required by uint8 images: { factor: 1 / 255 } for values of 0 to 1, { factor: 1 } for 0 to 255";
    throw new InvalidArgumentError("scaling", message);
  }
  const channels = images.dims[1]!;
  for (const [name, value] of Object.entries(scaling))
    if (Array.isArray(value) && value.length !== channels)
      throw invalidArgument(`scaling.${name}`, `one number per channel, ${channels}`, value);
}

/** Returns images as the float32 that models take. `bytes` begin a buffer of their own. */
export function toFloat32(
  { buffer }: Uint8Array<ArrayBuffer>,
  type: PredictorImages["type"],
  [count = 1, channels = 1, ...spatial]: readonly number[],
  scaling?: PixelScaling,
): Float32Array {
  if (type === "float32") return new Float32Array(buffer);
  if (type === "float16") return float16ToFloat32(new Uint16Array(buffer));
  const pixels = elementCount(spatial);
  const from = new Uint8Array(buffer);
  const out = new Float32Array(from.length);
  const tables = Array.from({ length: channels }, (_, channel) => tableOf(scaling!, channel));
  for (let plane = 0; plane < count * channels; plane++) {
    const table = tables[plane % channels]!;
    for (let i = plane * pixels; i < (plane + 1) * pixels; i++) out[i] = table[from[i]!]!;
  }
  return out;
}

/** Returns the scaled values of the 256 pixels of a channel. */
function tableOf({ factor, offset = 0 }: PixelScaling, channel: number): Float32Array {
  const [a, b] = [factor, offset].map((value) => (typeof value === "number" ? value : value[channel]!));
  return Float32Array.from({ length: 256 }, (_, pixel) => a! * pixel + b!);
}
