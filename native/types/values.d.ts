import type { FloatArray, LabelArray } from "./arrays.js";

/** Values `[classes, pixels]`; pixels whose label is `ignore` may hold anything. */
export interface ClassValues {
  readonly values: FloatArray;
  readonly classes: number;
  readonly pixels: number;
  readonly labels?: LabelArray;
  /** Needs `labels`. */
  readonly ignore?: number;
}

/** The number of pixels outside, and the first or -1. */
export interface Outside {
  readonly count: number;
  readonly first: number;
}

/** The closed ranges of values; an absent limit bounds nothing. */
export interface InspectValuesOptions extends ClassValues {
  readonly low?: number;
  readonly high?: number;
  /** Lower limit of the sums over the classes. */
  readonly lowSum?: number;
  readonly highSum?: number;
}

export interface ValueFindings {
  /** Whether all values, those of ignored pixels too, are in [0, 1]. */
  readonly withinUnit: boolean;
  /** Values outside of the limits or NaN; the first by its offset. */
  readonly values: Outside;
  /** Pixels whose sum is. */
  readonly sums: Outside;
  /** The sum at the first of them. */
  readonly sum: number;
}

export interface ToProbabilitiesOptions extends ClassValues {
  readonly transform: "clamp" | "softmax" | "sigmoid" | "normalize";
  /** By how much sums of sigmoids may miss 1; default 0. */
  readonly tolerance?: number;
  /** `[max(classes, 2), pixels]` */
  readonly out?: Float32Array;
}

export interface NarrowLabelsOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly ignore?: number;
  /** Whether to make bytes of them: at most 256 classes and an ignored label from 0 to 255. */
  readonly narrow?: boolean;
  readonly out?: Uint8Array;
}

/** Labels that are neither a class nor the ignored one, and all labels as bytes where asked for. */
export interface NarrowedLabels extends Outside {
  /** The first of the stray labels; 0 where there is none. */
  readonly value: number;
  readonly data?: Uint8Array;
}

export interface ReadStoredPredictionOptions {
  readonly path: string;
  /** The number of labels, at most 256; default: the channels, at least 2. */
  readonly classes?: number;
  /** From 0 to 255. */
  readonly ignore?: number;
  /** The numbers of elements of `probs` and `labels`. */
  readonly values: number;
  readonly pixels: number;
  readonly probs?: Float32Array;
  readonly labels?: Uint8Array;
}

/** The arrays of a file and its stray labels; without arrays if theirs are of other sizes. */
export interface StoredPrediction extends Outside {
  /** `[C, ...spatial]` */
  readonly dims: readonly number[];
  /** The first of the stray labels; 0 where there is none. */
  readonly value: number;
  readonly probs?: Float32Array;
  readonly labels?: Uint8Array;
}

export interface LabelHashOptions {
  readonly labels: LabelArray;
  /** A text that is hashed with them. */
  readonly text: string;
}

/** Checks of what files of predictions hold, on the CPU alone. */
export interface PredictionKernels {
  inspectValues(options: InspectValuesOptions): Promise<ValueFindings>;
  inspectValuesSync(options: InspectValuesOptions): ValueFindings;
  /** The probabilities, and the pixels that have none. */
  toProbabilities(options: ToProbabilitiesOptions): Promise<Outside & { readonly data: Float32Array }>;
  toProbabilitiesSync(options: ToProbabilitiesOptions): Outside & { readonly data: Float32Array };
  narrowLabels(options: NarrowLabelsOptions): Promise<NarrowedLabels>;
  narrowLabelsSync(options: NarrowLabelsOptions): NarrowedLabels;
  /**
   * Reads float32 `probs` and int64 `label` of an archive that NumPy stored, unpacked and with nothing else.
   * Returns undefined for any other file. Runs on the host's threads.
   */
  readStoredPrediction(options: ReadStoredPredictionOptions): Promise<StoredPrediction | undefined>;
  readStoredPredictionSync(options: ReadStoredPredictionOptions): StoredPrediction | undefined;
  /**
   * Returns, in hexadecimal digits, the SHA-256 of "1:", the text and a byte per label where all are from 0
   * to 255, else of "8:", the text and a double per label.
   */
  labelHash(options: LabelHashOptions): Promise<string>;
  labelHashSync(options: LabelHashOptions): string;
}

/** An array as another program stored it: bytes that need not be aligned, of any element type. */
export interface StoredValuesOptions {
  readonly source: Uint8Array;
  readonly type: string;
  /** Whether the bytes of an element come in the other order; default false. */
  readonly swapped?: boolean;
  /** The number of values. */
  readonly pixels: number;
}

export interface StoredFloatsOptions extends StoredValuesOptions {
  readonly batch?: number;
  readonly channels?: number;
  /** Whether `source` is `[batch, pixels, channels]`, not `[batch, channels, pixels]`; default false. */
  readonly channelsLast?: boolean;
  /** The factor and the summand of every channel; default 1 and 0. */
  readonly scale?: readonly number[];
  readonly shift?: readonly number[];
  readonly out?: Float32Array;
}

/** Integers; those that are not whole or do not fit are 0 in `data`: their count, the first and its value. */
export interface StoredIntegers {
  readonly data: Int32Array;
  readonly count: number;
  readonly first: number;
  readonly value: number;
}

/** The rows [groups, width] that every draw adds up, each row times its weight of [draws, groups]. */
export interface WeightedSumsOptions {
  readonly values: Float64Array;
  readonly weights: Float64Array;
  readonly draws: number;
  readonly groups: number;
  readonly width: number;
  readonly out?: Float64Array;
}

/** The rows [groups, width] that every draw adds up, each times a weight of the draw. */
export interface ResampledSumsOptions {
  readonly values: Float64Array;
  /** The number of times that a group is picked, of `groups` picks with replacement; or 1 and -1. */
  readonly weights: "counts" | "signs";
  /** The 16 bytes of `Random.state()`. */
  readonly state: Uint8Array;
  readonly draws: number;
  readonly groups: number;
  readonly width: number;
  readonly out?: Float64Array;
}

/** Sums [draws, width] and the generator's state after the draws. */
export interface ResampledSums {
  readonly sums: Float64Array;
  readonly state: Uint8Array;
}

export interface CopyBytesOptions {
  readonly source: Uint8Array;
  readonly out?: Uint8Array;
}

/** Bytes behind others whose CRC-32 is `start`; default 0, of none. */
export interface Crc32Options {
  readonly bytes: Uint8Array;
  readonly start?: number;
}

/** Arrays of other programs, on the CPU alone. */
export interface StoredValueKernels {
  /** Returns float32 `[batch, channels, pixels]`. */
  storedFloats(options: StoredFloatsOptions): Promise<Float32Array>;
  storedFloatsSync(options: StoredFloatsOptions): Float32Array;
  storedIntegers(options: StoredValuesOptions): Promise<StoredIntegers>;
  storedIntegersSync(options: StoredValuesOptions): StoredIntegers;
  copyBytes(options: CopyBytesOptions): Promise<Uint8Array>;
  copyBytesSync(options: CopyBytesOptions): Uint8Array;
  crc32(options: Crc32Options): Promise<number>;
  crc32Sync(options: Crc32Options): number;
  /** The sums [draws, width]. */
  weightedSums(options: WeightedSumsOptions): Promise<Float64Array>;
  weightedSumsSync(options: WeightedSumsOptions): Float64Array;
  resampledSums(options: ResampledSumsOptions): Promise<ResampledSums>;
  resampledSumsSync(options: ResampledSumsOptions): ResampledSums;
}
