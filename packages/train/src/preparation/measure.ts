import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import type { Dataset } from "../data/dataset-case.js";
import { inTurns } from "../data/in-turns.js";
import { meanAndSd, percentiles } from "./order-statistics.js";
import type { ChannelNormalization, Scheme } from "./preparation.js";

/** A normalisation as a configuration asks for it: numbers that are left out are measured. */
export interface NormalizationRequest {
  readonly scheme: Scheme;
  readonly low?: number;
  readonly high?: number;
  readonly mean?: number;
  readonly sd?: number;
  /** Whether only the pixels count that are not 0 in every channel, of z-score. */
  readonly nonzero?: boolean;
}

/** The percentiles of the foreground that nnU-Net clips CT to, and of `percentile` by default. */
const tails = [0.5, 99.5] as const;
/** Enough pixels of a case and of all together that statistics of them are as good as of all. */
const most = { ofCase: 10_000, ofAll: 4_000_000 };

const isMeasured = ({ scheme, low, mean }: NormalizationRequest): boolean =>
  (scheme === "ct" && mean === undefined) || (scheme === "range" && low === undefined);

/**
 * Returns a normalisation per channel with every number: those of `ct` (percentiles 0.5 and 99.5, mean and
 * standard deviation of the foreground's pixels) and of `range` (least and largest value) are measured on
 * `train`, the training split as stored, unless they are given. One request is for every channel. Throws
 * `InvalidArgumentError` for another number of requests, and for `ct` where no case has foreground or all of
 * it has one value.
 */
export async function measureNormalization(
  requests: readonly NormalizationRequest[],
  train: Dataset,
): Promise<readonly ChannelNormalization[]> {
  const { channels } = train;
  if (requests.length !== 1 && requests.length !== channels)
    throw new InvalidArgumentError(
      "normalization",
      `normalization: expected 1 scheme, or ${channels}, one per channel, got ${requests.length}`,
    );
  const all = Array.from({ length: channels }, (_, c) => requests[c] ?? requests[0]!);
  if (!all.some(isMeasured)) return Promise.all(all.map((request) => complete(request)));
  const measured = await measure(train, all);
  return Promise.all(all.map((request, c) => complete(request, measured[c])));
}

/** Returns a request with every number: given, measured or the default. */
async function complete(request: NormalizationRequest, measured?: Measured): Promise<ChannelNormalization> {
  const { scheme, low, high, mean, sd, nonzero } = request;
  switch (scheme) {
    case "none":
      return { scheme };
    case "z-score":
      return { scheme, ...(nonzero && { nonzero }) };
    case "percentile":
      return { scheme, low: low ?? tails[0], high: high ?? tails[1] };
    case "range": {
      const { least, largest } = measured ?? {};
      return { scheme, low: low ?? least!, high: high ?? largest! };
    }
    case "ct": {
      if (mean !== undefined) return { scheme, low: low!, high: high!, mean, sd: sd! };
      const { foreground } = measured!;
      if (foreground.length === 0)
        throw new InvalidArgumentError(
          "normalization",
          "normalization: ct needs labels above 0, and no training case has any",
        );
      const [least, largest] = await percentiles(foreground, tails);
      const moments = await meanAndSd(foreground);
      if (moments.sd === 0)
        throw new InvalidArgumentError(
          "normalization",
          `normalization: ct needs a foreground of more than one value, and all of it is ${moments.mean}`,
        );
      return { scheme, low: least!, high: largest!, ...moments };
    }
  }
}

interface Measured {
  readonly foreground: Float32Array;
  readonly least: number;
  readonly largest: number;
}

async function measure(train: Dataset, requests: readonly NormalizationRequest[]): Promise<Measured[]> {
  const { names, channels, labelRange } = train;
  const limit = foregroundLimit(names.length);
  const parts = requests.map((): Float32Array[] => []);
  const ranges = requests.map(() => ({
    least: Number.POSITIVE_INFINITY,
    largest: Number.NEGATIVE_INFINITY,
  }));
  for (const index of names.keys()) {
    const { image, labels } = await train.read(index);
    const foreground = await foregroundValues({ image, labels }, labelRange?.ignore, limit);
    const pixels = image.data.length / channels;
    for (const [c, range] of ranges.entries()) {
      const values = image.data.subarray(c * pixels, (c + 1) * pixels);
      parts[c]!.push(foreground[c]!);
      if (requests[c]!.scheme !== "range") continue;
      await inTurns(values.length, (begin, end) => {
        for (let i = begin; i < end; i++) {
          if (values[i]! < range.least) range.least = values[i]!;
          if (values[i]! > range.largest) range.largest = values[i]!;
        }
      });
    }
  }
  return ranges.map((range, c) => ({ ...range, foreground: joined(parts[c]!) }));
}

/** Returns the number of foreground pixels that are measured of each of `cases`. */
export const foregroundLimit = (cases: number): number =>
  Math.max(most.ofCase, Math.floor(most.ofAll / cases));

/**
 * Returns values of each channel at pixels of the foreground, at most `limit` of them, evenly spaced among
 * all; labels other than 0 and `ignore` are foreground.
 */
export async function foregroundValues(
  {
    image,
    labels,
  }: { readonly image: Tensor<"float32">; readonly labels: { readonly data: ArrayLike<number> } },
  ignore: number | undefined,
  limit: number,
): Promise<readonly Float32Array[]> {
  const at = await foregroundSample(labels, ignore, limit);
  const pixels = image.data.length / image.dims[0]!;
  return Array.from({ length: image.dims[0]! }, (_, c) =>
    Float32Array.from(at, (pixel) => image.data[c * pixels + pixel]!),
  );
}

/** The distribution of values; `low` and `high` are the percentiles 0.5 and 99.5. */
export interface IntensitySummary {
  readonly mean: number;
  readonly sd: number;
  readonly least: number;
  readonly low: number;
  readonly median: number;
  readonly high: number;
  readonly largest: number;
}

/** Summarises the values of several cases; undefined where there are none. */
export async function summarizeIntensities(
  parts: readonly Float32Array[],
): Promise<IntensitySummary | undefined> {
  const values = joined(parts);
  if (values.length === 0) return undefined;
  const [least, low, median, high, largest] = await percentiles(values, [0, tails[0], 50, tails[1], 100]);
  const moments = await meanAndSd(values);
  return { ...moments, least: least!, low: low!, median: median!, high: high!, largest: largest! };
}

/** Returns pixels of the foreground, evenly spaced among all of them, at most `limit`. */
async function foregroundSample(
  { data }: { readonly data: ArrayLike<number> },
  ignore: number | undefined,
  limit: number,
): Promise<Float64Array> {
  let count = 0;
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) if (data[i] !== 0 && data[i] !== ignore) count += 1;
  });
  const found = new Float64Array(Math.min(count, limit));
  const step = Math.max(1, count / limit);
  let [seen, kept] = [0, 0];
  await inTurns(data.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      if (data[i] === 0 || data[i] === ignore) continue;
      if (kept < found.length && seen >= kept * step) found[kept++] = i;
      seen += 1;
    }
  });
  return found;
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
