import { readStoredPrediction, type SignalOption, type StoredPrediction, type Tensor } from "@pixelcal/core";
import type { BufferPool } from "./buffer-pool.js";

/** A prediction that was read at once; its stray labels are 0. */
interface PlainPrediction extends Pick<StoredPrediction, "stray"> {
  readonly probs: Tensor<"float32">;
  readonly labels: Tensor<"uint8">;
  readonly classes: number;
}

/** Options of `readPrediction`; with `masks` or `limits` a file is never read at once. */
interface PlainOptions extends SignalOption {
  readonly classes?: number;
  readonly ignore?: number;
  readonly masks?: unknown;
  readonly limits?: unknown;
  readonly values?: "probabilities" | "any";
  readonly buffers?: BufferPool;
}

/** The numbers of elements of the last prediction; those of a folder are mostly alike. */
let usual = { values: 0, pixels: 0 };

/**
 * Reads a file of stored float32 `probs` and int64 `label`, and nothing else, in one native call: the general
 * reader spends a third of its time between its steps. Returns undefined for any other file, one that must be
 * refused included, and for options that need the general reader.
 */
export async function plainPrediction(
  path: string,
  { classes, ignore, masks, limits, values, buffers, signal }: PlainOptions,
): Promise<PlainPrediction | undefined> {
  const within = (value: number | undefined, low: number, high: number): boolean =>
    value === undefined || (Number.isInteger(value) && value >= low && value <= high);
  if (masks !== undefined || limits !== undefined) return undefined;
  if (!within(classes, 1, 256) || !within(ignore, 0, 255)) return undefined;
  const buffer = (bytes: number): ArrayBuffer => buffers?.take(bytes) ?? new ArrayBuffer(bytes);
  for (;;) {
    const probs = new Float32Array(buffer(4 * usual.values));
    const labels = new Uint8Array(buffer(usual.pixels));
    const found = await readStoredPrediction(path, { classes, ignore, probs, labels, signal });
    if (found?.read) {
      const { dims, stray } = found;
      const [channels = 0, ...spatial] = dims;
      // A channel of logits has two labels, one of probabilities has one.
      if (channels === 1 && classes === undefined && values !== "any") break;
      return {
        probs: { type: "float32", dims, data: probs },
        labels: { type: "uint8", dims: spatial, data: labels },
        classes: classes ?? (values === "any" ? Math.max(2, channels) : channels),
        ...(stray && { stray }),
      };
    }
    buffers?.give(probs.buffer);
    buffers?.give(labels.buffer);
    if (found === undefined) return undefined;
    const count = found.dims.reduce((product, size) => product * size, 1);
    usual = { values: count, pixels: count / found.dims[0]! };
  }
  return undefined;
}
