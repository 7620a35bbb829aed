import { createHash } from "node:crypto";
import { setImmediate } from "node:timers/promises";
import {
  type CalibrationCase,
  type CalibrationCases,
  checkOptions,
  InvalidArgumentError,
  invalidArgument,
  type Labels,
  optionNames,
  type SignalOption,
  type Tensor,
} from "@pixelcal/core";
import { type AnyFit, fitMethod, type MethodOptions } from "./fit-method.js";
import { headCases, ignoredInHead } from "./head-cases.js";

/** A prediction as it is stored, and its labels. */
export interface LabelledPrediction {
  /** [C, ...spatial] */
  readonly probabilities: Tensor<"float32">;
  /** [...spatial] */
  readonly labels: Labels;
  readonly spacing?: readonly number[];
}

/** The options of {@link calibratePredictions}. */
export interface CalibratePredictionsOptions extends MethodOptions {
  readonly names: readonly string[];
  /** The patient of each case, or whatever else cases share; each case is its own by default. */
  readonly groups?: readonly string[];
  /** Reads a case; it is called for every case in each pass over them. */
  readonly read: (name: string) => Promise<LabelledPrediction>;
  /** The labels that each channel holds, where channels are sigmoids of their own. */
  readonly heads?: readonly (readonly number[])[];
  readonly onProgress?: (stage: "read" | "fit", done: number, total: number) => void;
}

const names = optionNames<CalibratePredictionsOptions>({
  names: true,
  groups: true,
  read: true,
  method: true,
  allowLabelChanges: true,
  fit: true,
  ignore: true,
  heads: true,
  onProgress: true,
  signal: true,
});

/** The least probability that a logarithm is taken of. */
const leastProbability = 1e-7;

/** A calibrator for predictions that are stored. */
export interface PredictionCalibration {
  /** One fit, or one for each channel that is a sigmoid of its own. */
  readonly fits: readonly AnyFit[];
  /** The fingerprint of the cases: SHA-256 over names, sizes and labels. */
  readonly data: string;
  /** The share of the probabilities that were below {@link leastProbability} and were raised to it. */
  readonly clipped: number;
  /** Calibrates a prediction [C, ...spatial] like those that were fitted. */
  apply(probabilities: Tensor<"float32">, options?: SignalOption): Promise<Tensor<"float32">>;
}

/**
 * Fits a calibrator to stored predictions, for models that are not ONNX files: their logits are ln p, as good
 * as z for every calibrator, since a softmax does not see a constant. Probabilities below 1e-7 count as 1e-7.
 */
export async function calibratePredictions(
  options: CalibratePredictionsOptions,
): Promise<PredictionCalibration> {
  checkOptions("options", options, names);
  const { names: cases, groups = cases, read, heads, ignore, signal, onProgress } = options;
  if (groups.length !== cases.length)
    throw invalidArgument("groups", `${cases.length} groups`, groups.length);
  const fingerprint = createHash("sha256");
  const seen = new Set<string>();
  const counts = { all: 0, clipped: 0 };
  const source: CalibrationCases = {
    count: cases.length,
    async read(index): Promise<CalibrationCase> {
      const name = cases[index]!;
      const { probabilities, labels, spacing } = await read(name);
      const { logits, clipped } = await logitsOf(probabilities, heads !== undefined, signal);
      if (!seen.has(name)) {
        seen.add(name);
        fingerprint.update(JSON.stringify([name, probabilities.dims])).update(labels.data);
        counts.all += probabilities.data.length;
        counts.clipped += clipped;
        onProgress?.("read", seen.size, cases.length);
      }
      return {
        logits,
        labels: { ...labels, dims: [1, ...labels.dims] } as Labels,
        group: groups[index]!,
        ...(spacing && { spacing }),
      };
    },
  };
  const fits: AnyFit[] = [];
  for (const [channel, members] of (heads ?? [undefined]).entries()) {
    const own = members && headCases(source, channel, new Set(members), ignore);
    const ignored = own ? ignoredInHead : ignore;
    fits.push(await fitMethod(own ?? source, { ...options, ignore: ignored }));
    onProgress?.("fit", channel + 1, heads?.length ?? 1);
  }
  return {
    fits,
    data: fingerprint.digest("hex"),
    clipped: counts.clipped / Math.max(1, counts.all),
    apply: (probabilities, { signal: own } = {}) => applied(fits, probabilities, heads !== undefined, own),
  };
}

/** Elements between two looks at the event loop. */
const turn = 1 << 19;

async function logitsOf(
  { data, dims }: Tensor<"float32">,
  heads: boolean,
  signal?: AbortSignal,
): Promise<{ readonly logits: Tensor<"float32">; readonly clipped: number }> {
  const logits = new Float32Array(data.length);
  let clipped = 0;
  for (let start = 0; start < data.length; start += turn) {
    signal?.throwIfAborted();
    const end = Math.min(start + turn, data.length);
    for (let i = start; i < end; i++) {
      const p = data[i]!;
      if (!(p >= 0 && p <= 1 + 1e-5)) throw invalidArgument("probabilities", "0 to 1", p);
      const other = 1 - p;
      if (p < leastProbability || (heads && other < leastProbability)) clipped++;
      const log = Math.log(Math.max(p, leastProbability));
      logits[i] = heads ? log - Math.log(Math.max(other, leastProbability)) : log;
    }
    await setImmediate();
  }
  return { logits: { type: "float32", dims: [1, ...dims], data: logits }, clipped };
}

async function applied(
  fits: readonly AnyFit[],
  probabilities: Tensor<"float32">,
  heads: boolean,
  signal?: AbortSignal,
): Promise<Tensor<"float32">> {
  const { logits } = await logitsOf(probabilities, heads, signal);
  const { dims } = probabilities;
  if (!heads) {
    const { data } = await fits[0]!.calibrator.apply(logits, { ...(signal && { signal }) });
    return { type: "float32", dims, data };
  }
  if (dims[0] !== fits.length)
    throw new InvalidArgumentError(
      "probabilities",
      `probabilities: expected ${fits.length} channels, got ${dims[0]}`,
    );
  const pixels = logits.data.length / fits.length;
  const data = new Float32Array(logits.data.length);
  for (const [channel, { calibrator }] of fits.entries()) {
    const two = new Float32Array(2 * pixels);
    two.set(logits.data.subarray(channel * pixels, (channel + 1) * pixels), pixels);
    const both = await calibrator.apply(
      { type: "float32", dims: [1, 2, ...dims.slice(1)], data: two },
      { ...(signal && { signal }) },
    );
    data.set(both.data.subarray(pixels), channel * pixels);
  }
  return { type: "float32", dims, data };
}
