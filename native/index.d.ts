// The boundary between JavaScript and the native kernels: every kernel `name(options)` returns a Promise and
// runs off the JS thread; `nameSync(options)` runs at once. Arrays are read and written in place, byteOffset
// respected. They must be attached, of fixed length and not shared: a SharedArrayBuffer may change under a
// kernel and a resizable ArrayBuffer may shrink, so both are refused. Arrays must not be changed while a call
// runs. If one is transferred or detached meanwhile, the call rejects; the memory stays until the kernel has
// ended. Lengths are compared with the given sizes, and result sizes with the limits of arrays, before
// anything is allocated. Rejected arguments are TypeErrors with code "INVALID_ARGUMENT" and a message
// "argument: expected X, got Y"; results too large are RangeErrors with code "RESULT_TOO_LARGE".
//
// `out` takes the result. Without it, results of 1 MB and more lie in a pool of the process, which reuses
// memory once JavaScript has dropped it: see `resultMemory`. Their ArrayBuffers cannot be transferred to
// another thread (Node copies them or throws a DataCloneError, by version); pass `out` for results that must
// move, or copy them with `copyBytes`.

// An asynchronous kernel takes a `CallControl` as second argument. A cancelled call rejects with an Error of
// code "CANCELLED".

/** An object by which a call can be cancelled, and which the settled call fills in. */
export interface CallControl {
  /** The call's name in `cancelCall`: a number that no pending call of this environment has, not 0. */
  readonly id?: number;
  /** The time the call waited and the time it ran, in milliseconds. */
  queued: number;
  running: number;
  /** The number of elements of all arrays that the call read or wrote. */
  elements: number;
}

/** A label map, one integer class per pixel; none of the types is converted. */
export type LabelArray = Uint8Array | Int32Array | BigInt64Array;

/**
 * The place where a kernel runs; a device that is not in `devices()` is an error. On "cuda" every array may
 * be a handle, and with `keep` the results are handles, whatever the types below say: values of `upload` and
 * of other kernels, which only native code can read.
 */
export interface DeviceOptions {
  readonly device?: "cpu" | "cuda";
  readonly keep?: boolean;
}

/** A grid of `batch` (default 1) images of 1 to 3 spatial dimensions `size`, last dimension fastest. */
export interface GridOptions extends DeviceOptions {
  readonly batch?: number;
  readonly size: readonly number[];
}

export interface DistanceTransformOptions extends GridOptions {
  readonly mask: Uint8Array;
  readonly spacing?: readonly number[];
  readonly squared?: boolean;
  /** The distances of an image without any zero: Infinity (default), or those to SciPy's virtual point. */
  readonly noZero?: "infinity" | "reference";
  readonly out?: Float32Array;
}

export interface DistanceKernels {
  distanceTransform(options: DistanceTransformOptions): Promise<Float32Array>;
  distanceTransformSync(options: DistanceTransformOptions): Float32Array;
}

export interface SignedDistanceOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly spacing?: readonly number[];
  readonly normalize?: "none" | "max" | "split" | "truncate";
  /** The reach in physical units; default 1. */
  readonly truncate?: number;
  readonly absent?: "reference" | "far";
  /** The result, `[batch, classes, ...size]`. */
  readonly out?: Float32Array;
}

export interface SignedDistanceKernels {
  signedDistance(options: SignedDistanceOptions): Promise<Float32Array>;
  signedDistanceSync(options: SignedDistanceOptions): Float32Array;
}

/** The arguments of surface distances; src/surface/surface_distance.h explains each choice. */
export interface SurfaceArguments extends GridOptions {
  readonly spacing?: readonly number[];
  readonly convention?: "reference" | "monai" | "deepmind";
  /** The measures of two empty masks; default "undefined". */
  readonly bothEmpty?: "undefined" | "perfect";
  /** The measures if one mask is empty; default "worst". */
  readonly oneEmpty?: "worst" | "diagonal" | "undefined";
  /** The percentile of hdPercentile, 0 to 100; default 95. */
  readonly percentile?: number;
}

export interface SurfaceDistancesOptions extends SurfaceArguments {
  readonly a: Uint8Array;
  readonly b: Uint8Array;
  /** The tolerance of nsd in physical units; default 1. */
  readonly tolerance?: number;
}

export interface LabelSurfaceDistancesOptions extends SurfaceArguments {
  readonly predicted: LabelArray;
  readonly labels: LabelArray;
  readonly classes: number;
  /** The classes of each region. */
  readonly regions: readonly (readonly number[])[];
  /** The label of pixels that are in no region and that cause no surface. */
  readonly ignore?: number;
  /** The tolerance of every region, or one per region. */
  readonly tolerance?: number | readonly number[];
}

/** The measures in physical units, except nsd, a share; aToB and bToA are the directed means. */
export interface SurfaceMeasures {
  readonly hd: number;
  readonly hd95: number;
  readonly hdPercentile: number;
  readonly assd: number;
  readonly nsd: number;
  readonly aToB: number;
  readonly bToA: number;
}

export interface SurfaceDistanceKernels {
  /** Returns one result per image. */
  surfaceDistances(options: SurfaceDistancesOptions): Promise<SurfaceMeasures[]>;
  surfaceDistancesSync(options: SurfaceDistancesOptions): SurfaceMeasures[];
  /** Returns one result per image and region. */
  labelSurfaceDistances(options: LabelSurfaceDistancesOptions): Promise<SurfaceMeasures[][]>;
  labelSurfaceDistancesSync(options: LabelSurfaceDistancesOptions): SurfaceMeasures[][];
}

/** The parameter arrays, updated in place, each with its gradient and state of the same length. */
export interface UpdateOptions extends DeviceOptions {
  readonly parameters: readonly Float32Array[];
  readonly gradients: readonly Float32Array[];
  readonly learningRate: number;
  /** The weight decay of every array, or one per array; default 0. */
  readonly weightDecay?: number | readonly number[];
  /** The factor applied to every gradient first (clipping, accumulation); default 1. */
  readonly gradientScale?: number;
}

export interface AdamwOptions extends UpdateOptions {
  /** The running means of the gradients, zeros at first; updated in place. */
  readonly averages: readonly Float32Array[];
  /** The running means of the squared gradients, zeros at first; updated in place. */
  readonly squares: readonly Float32Array[];
  /** The number of the update, 1 for the first. */
  readonly step: number;
  /** The decay rate of `averages`; default 0.9. */
  readonly beta1?: number;
  /** The decay rate of `squares`; default 0.999. */
  readonly beta2?: number;
  /** The number added to the denominator; default 1e-8. */
  readonly epsilon?: number;
}

export interface SgdOptions extends UpdateOptions {
  /** The momentum; default 0. */
  readonly momentum?: number;
  readonly nesterov?: boolean;
  /** The velocities, zeros at first, updated in place; required with momentum. */
  readonly velocities?: readonly Float32Array[];
}

export interface OptimizerKernels {
  /** Applies torch.optim.AdamW's update with decoupled weight decay. */
  adamw(options: AdamwOptions): Promise<void>;
  adamwSync(options: AdamwOptions): void;
  /** Applies torch.optim.SGD's update with weight decay added to the gradient. */
  sgd(options: SgdOptions): Promise<void>;
  sgdSync(options: SgdOptions): void;
  /** Returns the Euclidean norm of all gradients together, summed in double in a fixed order. */
  gradientNorm(options: DeviceOptions & { readonly gradients: readonly Float32Array[] }): Promise<number>;
  gradientNormSync(options: DeviceOptions & { readonly gradients: readonly Float32Array[] }): number;
}

export interface MorphologyArguments {
  readonly op:
    | "erosion"
    | "dilation"
    | "opening"
    | "closing"
    | "gradient"
    | "internal-gradient"
    | "external-gradient";
  readonly structure?: "box" | "cross";
  readonly radius?: number;
  readonly iterations?: number;
  readonly border?: "neutral" | "zero" | "one" | "replicate" | "reflect101";
}

export interface MorphologyOptions extends GridOptions, MorphologyArguments {
  readonly mask: Uint8Array;
  readonly out?: Uint8Array;
}

/**
 * The options of packed masks of one bit per pixel: pixel x of a row along the last axis is bit x % 64 of the
 * row's word x / 64, every row starts a new word, and unused bits of its last word are 0.
 */
export interface PackedMorphologyOptions extends GridOptions, MorphologyArguments {
  readonly words: BigUint64Array;
  readonly out?: BigUint64Array;
}

export interface PackMaskOptions extends GridOptions {
  readonly mask: Uint8Array;
  readonly out?: BigUint64Array;
}

export interface UnpackMaskOptions extends GridOptions {
  readonly words: BigUint64Array;
  readonly out?: Uint8Array;
}

export interface MorphologyKernels {
  morphology(options: MorphologyOptions): Promise<Uint8Array>;
  morphologySync(options: MorphologyOptions): Uint8Array;
  packedMorphology(options: PackedMorphologyOptions): Promise<BigUint64Array>;
  packedMorphologySync(options: PackedMorphologyOptions): BigUint64Array;
  packMask(options: PackMaskOptions): Promise<BigUint64Array>;
  packMaskSync(options: PackMaskOptions): BigUint64Array;
  unpackMask(options: UnpackMaskOptions): Promise<Uint8Array>;
  unpackMaskSync(options: UnpackMaskOptions): Uint8Array;
}

/** The options of soft labels; src/soft_labels/soft_labels.h explains each choice. */
export interface SoftLabelsOptions extends GridOptions, Partial<MorphologyArguments> {
  readonly labels: LabelArray;
  /** The image, one value per pixel, for the aggregations weighted by it. */
  readonly image?: Float32Array;
  readonly classes: number;
  readonly aggregation:
    | "weighted"
    | "largest"
    | "smallest"
    | "median"
    | "mode"
    | "any"
    | "all"
    | "majority"
    | "gradient"
    | "bilateral"
    | "image-l1"
    | "image-l2";
  readonly taps: readonly number[];
  readonly scale?: number;
  readonly centre?: number;
  readonly divisor?: number;
  /** The trailing dimensions the window and the morphology span; default all. */
  readonly dimensions?: number;
  readonly windowBorder: "background" | "zero" | "replicate" | "reflect101";
  readonly normalization: "window" | "classes" | "labels";
  readonly band?: boolean;
  readonly ignore?: number;
  readonly out?: Float32Array;
}

export interface NeighborhoodKernels {
  /** Returns `[batch, classes, ...size]`; morphology runs if `op` is given. */
  softLabels(options: SoftLabelsOptions): Promise<Float32Array>;
  softLabelsSync(options: SoftLabelsOptions): Float32Array;
}

export interface BoundarySoftLabelsOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly spacing?: readonly number[];
  /** The width of the transition as a multiple of the smallest spacing; default 0.35. */
  readonly scale?: number;
  /** The share of the uniform distribution, from 0 (default) to below 1. */
  readonly floor?: number;
  readonly ignore?: number;
  /** The result, `[batch, classes, ...size]`. */
  readonly out?: Float32Array;
}

export interface BoundarySoftLabelKernels {
  boundarySoftLabels(options: BoundarySoftLabelsOptions): Promise<Float32Array>;
  boundarySoftLabelsSync(options: BoundarySoftLabelsOptions): Float32Array;
}

/**
 * An array of float32, or of float16: a Float16Array (typed by what it has in common with a Uint16Array) or
 * its bits.
 */
export type FloatArray = Float32Array | Uint16Array;

/** The probabilities `[batch, classes, pixels]` and their labels `[batch, pixels]`. */
export interface ProbabilityMaps extends DeviceOptions {
  readonly probs: FloatArray;
  readonly labels: LabelArray;
  readonly batch?: number;
  readonly classes: number;
  readonly pixels: number;
  readonly ignore?: number;
  /** The mask, one value per pixel: 0 leaves the pixel out. */
  readonly mask?: Uint8Array;
  /** The weights, one value per pixel. */
  readonly weights?: Float32Array;
}

export interface BinningOptions {
  readonly of: "foreground" | "classes" | "top-label";
  readonly closed: "right" | "left";
  /** Whether the first of right-closed bins holds 0; default true. */
  readonly includeLowest?: boolean;
  readonly bins: number;
  /** The probability (compared in float32) above which pixels are counted. */
  readonly threshold?: number;
}

export interface EqualMassEdgesOptions extends ProbabilityMaps, BinningOptions {
  readonly out?: Float64Array;
}

export interface HistogramOptions extends BinningOptions {
  /** The bins + 1 edges from 0 to 1, never decreasing, or as many for each group. */
  readonly edges: Float64Array;
  /** Whether sums of p^2 are wanted; default false. */
  readonly squares?: boolean;
}

export interface CalibrationBinsOptions extends ProbabilityMaps {
  readonly histograms: readonly HistogramOptions[];
}

/** The sums per group (class, or one) and bin; `total` per group. */
export interface CalibrationSums {
  readonly total: Float64Array;
  readonly dropped: Float64Array;
  readonly count: Float64Array;
  readonly confidence: Float64Array;
  readonly accuracy: Float64Array;
  readonly falsePositive: Float64Array;
  readonly squares?: Float64Array;
}

/** The options of sums over pixels. */
export interface ProbabilityScoreOptions extends ProbabilityMaps {
  /** The least probability that the logarithm uses; default 0. */
  readonly floor?: number;
}
export interface ProbabilityScoreSums {
  readonly total: number;
  readonly brier: number;
  readonly logLoss: number;
  /** The pixels whose probability was raised to the floor. */
  readonly bounded: number;
}

export interface ArgMaxOptions extends DeviceOptions {
  /** The values, `[batch, classes, pixels]`. */
  readonly values: FloatArray;
  readonly batch?: number;
  readonly classes: number;
  readonly pixels: number;
  /** A Uint8Array up to 256 classes, else an Int32Array. */
  readonly out?: Uint8Array | Int32Array;
}

export interface ConfusionCountsOptions extends DeviceOptions {
  readonly predicted: LabelArray;
  readonly labels: LabelArray;
  readonly batch?: number;
  readonly classes: number;
  readonly pixels: number;
  readonly ignore?: number;
  readonly mask?: Uint8Array;
  /** The result, `[batch, true class, predicted class]`. */
  readonly out?: Float64Array;
}

export interface CalibrationKernels {
  /** Returns the sums of each histogram, all from one pass. */
  calibrationBins(options: CalibrationBinsOptions): Promise<CalibrationSums[]>;
  calibrationBinsSync(options: CalibrationBinsOptions): CalibrationSums[];
  /** Returns bins + 1 edges for each group, from the order of its probabilities. */
  equalMassEdges(options: EqualMassEdgesOptions): Promise<Float64Array>;
  equalMassEdgesSync(options: EqualMassEdgesOptions): Float64Array;
  probabilityScores(options: ProbabilityScoreOptions): Promise<ProbabilityScoreSums>;
  probabilityScoresSync(options: ProbabilityScoreOptions): ProbabilityScoreSums;
  /** Returns a Uint8Array up to 256 classes, else an Int32Array. */
  argMax(options: ArgMaxOptions): Promise<Uint8Array | Int32Array>;
  argMaxSync(options: ArgMaxOptions): Uint8Array | Int32Array;
  /** Returns `[batch, true class, predicted class]`. */
  confusionCounts(options: ConfusionCountsOptions): Promise<Float64Array>;
  confusionCountsSync(options: ConfusionCountsOptions): Float64Array;
}

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
}

/** Labels that are neither a class nor the ignored one, and all labels as bytes where asked for. */
export interface NarrowedLabels extends Outside {
  /** The first of the stray labels; 0 where there is none. */
  readonly value: number;
  readonly data?: Uint8Array;
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

export interface CopyBytesOptions {
  readonly source: Uint8Array;
  readonly out?: Uint8Array;
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
}

/**
 * The options of `signedDistance` and `softLabels` together, without `out`, `image` and `ignore`; the
 * requested results among one-hot labels, signed distances and soft labels are computed.
 */
export interface TargetsOptions extends GridOptions {
  readonly labels: LabelArray;
  readonly classes: number;
  readonly oneHot?: boolean;
  readonly signedDistance?: boolean;
  readonly softLabels?: boolean;
}

export interface Targets {
  readonly oneHot?: Float32Array;
  readonly signedDistance?: Float32Array;
  readonly softLabels?: Float32Array;
}

export interface TargetKernels {
  /** Computes several targets of labels that are read (and on a device uploaded) once. */
  targets(options: TargetsOptions): Promise<Targets>;
  targetsSync(options: TargetsOptions): Targets;
}

/** The functions of device arrays, only in builds with CUDA. */
export interface DeviceArrays {
  /** Returns a handle over a copy of `array` on the device. */
  upload(options: DeviceOptions & { readonly array: ArrayBufferView }): Promise<ArrayBufferView>;
  uploadSync(options: DeviceOptions & { readonly array: ArrayBufferView }): ArrayBufferView;
  /** Returns a copy of a handle's array in this process. */
  download(options: DeviceOptions & { readonly array: ArrayBufferView }): Promise<ArrayBufferView>;
  downloadSync(options: DeviceOptions & { readonly array: ArrayBufferView }): ArrayBufferView;
  /** Frees a handle's memory; running calls that use it finish. */
  release(handle: unknown): void;
}

export interface Native
  extends DeviceArrays,
    TargetKernels,
    DistanceKernels,
    SignedDistanceKernels,
    SurfaceDistanceKernels,
    OptimizerKernels,
    MorphologyKernels,
    NeighborhoodKernels,
    BoundarySoftLabelKernels,
    CalibrationKernels,
    PredictionKernels,
    StoredValueKernels {
  /** The version of the addon, that of this package. */
  readonly version: string;
  /** The place the addon was loaded from: a prebuilt package's name, or a file. */
  readonly origin: string;
  /** Returns the devices that kernels can run on here, "cpu" first. */
  devices(): ("cpu" | "cuda")[];
  /** Returns the instruction set in use, and why there is no CUDA device, if so. */
  environment(): {
    instructionSet: "baseline" | "avx2" | "avx512";
    cudaProblem?: string;
  };
  /** Returns the number of threads one kernel call may use; the pool serves the whole process. */
  threadCount(): number;
  setThreadCount(count: number): void;
  /**
   * Sets how many asynchronous calls of the process run at once, 1 to 64; default 2. Small calls, by the
   * bytes of their arrays, go first, but no call is overtaken by more work than its own.
   */
  setConcurrency(count: number): void;
  queueState(): { waiting: number; running: number; concurrency: number };
  /** Cancels the call of this environment whose control object has the id; settled calls are left alone. */
  cancelCall(id: number): void;
  /**
   * Returns the bytes in the process's pool of large results, at most 256 MB together: `lent` to arrays that
   * JavaScript holds (or has dropped since the event loop last ran), `kept` for the next results. Beyond
   * that, and after half of it in one turn of the event loop, results are ordinary arrays.
   */
  resultMemory(): { lent: number; kept: number };
}

declare const native: Native;
export default native;
