import type { FloatArray, LabelArray } from "./arrays.js";

export interface BoundaryDepthOptions {
  /** `[batch, ...size]` */
  readonly labels: LabelArray;
  readonly batch?: number;
  readonly size: readonly number[];
  /** One byte per step, at most 255: bit i grows the window along spatial axis i. */
  readonly growth: Uint8Array;
  readonly out?: Uint8Array;
}

export interface DepthCellsOptions {
  readonly predicted: LabelArray;
  readonly depth: Uint8Array;
  readonly radius: number;
  /** The number of sides: the classes, or 2 with `foreground`. */
  readonly sides: number;
  readonly foreground?: boolean;
}

/** One case: logits `[classes, pixels]`, labels, and a cell for every pixel. */
export interface CasePixels {
  readonly logits: FloatArray;
  readonly labels: LabelArray;
  readonly cells: Uint16Array;
  /** With `band`: only pixels whose depth is below it count. */
  readonly depth?: Uint8Array;
  readonly band?: number;
  readonly classes: number;
  readonly pixels: number;
  readonly ignore?: number;
}

/** A calibrator that is linear in its parameters; native/src/calibrators/linear_sums.h has the layouts. */
export interface LinearModel {
  readonly kind: "affine" | "vector" | "matrix";
  readonly parameters: Float64Array;
  /** The least ln p; where it is given, the inputs are ln softmax(z) instead of z. */
  readonly leastLog?: number;
}

/** Pixels of many cases, one after the other. */
export interface FitPixels {
  /** `[classes, pixels]` */
  readonly logits: Float32Array;
  readonly labels: Uint16Array;
  readonly cells?: Uint16Array;
  /** The way of each pixel from its cell to the next. */
  readonly fractions?: Float32Array;
  readonly weights?: Float32Array;
  /** Factors of the weights, by label. */
  readonly classWeights?: Float64Array;
  readonly classes: number;
  readonly pixels: number;
  /** The pixels that count: begin, end, begin, end ... */
  readonly ranges: readonly number[];
}

/** The parts of a calibrator; native/src/calibrators/calibrate.h says how they combine. */
export interface CalibratorForm {
  readonly scales?: Float64Array;
  readonly fields?: Float32Array;
  readonly classScales?: Float64Array;
  readonly mixing?: Float64Array;
  readonly shifts?: Float64Array;
  /** `[classes, 3]` */
  readonly beta?: Float64Array;
  /** `[classes, 4096]` */
  readonly levels?: Float64Array;
  readonly mixture?: Float64Array;
  readonly floors?: Float64Array;
  readonly margin?: number;
  /** The least ln p; where it is given, the inputs are ln softmax(z) instead of z. */
  readonly leastLog?: number;
  readonly keepsLabels?: boolean;
}

export interface CalibrateOptions extends Omit<FitPixels, "labels" | "ranges">, CalibratorForm {
  /** Whether to return logits instead of probabilities. */
  readonly asLogits?: boolean;
  readonly out?: Float32Array;
}

export type UnlabelledPixels = Pick<FitPixels, "logits" | "classes" | "pixels">;

/** The places of pixels between knots. */
export interface KnotPlaces {
  readonly cells: Uint16Array;
  readonly fractions: Float32Array;
}

export interface PackOptions extends CasePixels {
  readonly rates: Float64Array;
  readonly kept: number;
  /** Whether the result says where in the image each pixel lies. */
  readonly located?: boolean;
}

/** One image and what filters see of it; native/src/calibrators/local_scales.h says how. */
export interface FilteredImage {
  /** `[classes, ...size]` */
  readonly logits: Float32Array;
  readonly size: readonly number[];
  readonly classes: number;
  readonly taps: number;
  readonly dilation: number;
}

export interface CalibratorKernels {
  /** Returns the number of nested windows of one predicted label around every pixel. */
  boundaryDepth(options: BoundaryDepthOptions): Promise<Uint8Array>;
  boundaryDepthSync(options: BoundaryDepthOptions): Uint8Array;
  depthCells(options: DepthCellsOptions): Promise<Uint16Array>;
  depthCellsSync(options: DepthCellsOptions): Uint16Array;
  countPixels(
    options: CasePixels & { readonly count: number },
  ): Promise<{ readonly byCell: Float64Array; readonly byLabel: Float64Array }>;
  countPixelsSync(options: CasePixels & { readonly count: number }): {
    readonly byCell: Float64Array;
    readonly byLabel: Float64Array;
  };
  packPixels(options: PackOptions): Promise<PackedPixels>;
  packPixelsSync(options: PackOptions): PackedPixels;
  /** Returns weight, loss, gradient, Hessian and its next element for each cell. */
  scaleSums(options: FitPixels & { readonly scales: Float64Array }): Promise<Float64Array>;
  scaleSumsSync(options: FitPixels & { readonly scales: Float64Array }): Float64Array;
  calibrate(options: CalibrateOptions): Promise<Float32Array>;
  calibrateSync(options: CalibrateOptions): Float32Array;
  /** Returns weight and loss of each range. */
  calibratedLoss(options: FitPixels & CalibratorForm): Promise<Float64Array>;
  calibratedLossSync(options: FitPixels & CalibratorForm): Float64Array;
  /** Returns weight, first and second derivative by the floor for each cell. */
  floorSums(options: FitPixels & CalibratorForm): Promise<Float64Array>;
  floorSumsSync(options: FitPixels & CalibratorForm): Float64Array;
  /** Returns the weight, 3 first and 9 second derivatives by the weights of the mixture. */
  mixtureSums(options: FitPixels & CalibratorForm): Promise<Float64Array>;
  mixtureSumsSync(options: FitPixels & CalibratorForm): Float64Array;
  /** Returns weight, loss, gradient [P] and Hessian [P, P] for each cell. */
  linearSums(options: FitPixels & LinearModel): Promise<Float64Array>;
  linearSumsSync(options: FitPixels & LinearModel): Float64Array;
  /** Returns weight, weight of the class, and weight times log-odds, `[classes, 4096, 3]`. */
  levelSums(options: FitPixels): Promise<Float64Array>;
  levelSumsSync(options: FitPixels): Float64Array;
  /** Returns the knot below ln H of every pixel, and the way to the next. */
  entropyPlaces(options: UnlabelledPixels & { readonly knots: Float64Array }): Promise<KnotPlaces>;
  entropyPlacesSync(options: UnlabelledPixels & { readonly knots: Float64Array }): KnotPlaces;
  meanEntropy(options: UnlabelledPixels): Promise<number>;
  meanEntropySync(options: UnlabelledPixels): number;
  /** Returns weight, loss, 4 first and 16 second derivatives of a classifier of wrong pixels. */
  wrongnessSums(options: FitPixels & { readonly classifier: Float64Array }): Promise<Float64Array>;
  wrongnessSumsSync(options: FitPixels & { readonly classifier: Float64Array }): Float64Array;
  wrongnessCells(options: UnlabelledPixels & { readonly classifier: Float64Array }): Promise<Uint16Array>;
  wrongnessCellsSync(options: UnlabelledPixels & { readonly classifier: Float64Array }): Uint16Array;
  /** Returns the inputs of filters at these pixels, `[classes * taps^D, at]`. */
  neighbourhoods(options: FilteredImage & { readonly at: Int32Array }): Promise<Float32Array>;
  neighbourhoodsSync(options: FilteredImage & { readonly at: Int32Array }): Float32Array;
  /** Returns the factor of the logits at these pixels, or at all. */
  localScales(options: LocalScaleOptions): Promise<Float32Array>;
  localScalesSync(options: LocalScaleOptions): Float32Array;
  /** Returns the weight, the loss and its derivatives by the filters. */
  localSums(options: LocalSumOptions): Promise<Float64Array>;
  localSumsSync(options: LocalSumOptions): Float64Array;
}

export interface LocalScaleOptions extends FilteredImage {
  /** `[3, classes * taps^D + 1]`, the bias last. */
  readonly filters: Float64Array;
  readonly at?: Int32Array;
}

export interface LocalSumOptions extends FitPixels {
  readonly neighbourhoods: Float32Array;
  readonly filters: Float64Array;
}

export interface PackedPixels {
  /** `[classes, kept]` */
  readonly logits: Float32Array;
  readonly labels: Uint16Array;
  readonly cells: Uint16Array;
  readonly weights: Float32Array;
  /** With `located`: the number of each pixel in its image. */
  readonly at?: Int32Array;
}
