import type { ModelEnds } from "../model-ends.js";
import type { PredictOptions } from "../predict.js";
import type { TrainDevice } from "../session.js";

/** Descriptors that the child finds the files open at that images and probabilities go through. */
export const exchangeFiles = { input: 4, output: 5 } as const;

/** What a child predicts with. */
export interface ChildModel extends ModelEnds {
  /** The path of an ONNX file, or the number of its bytes that lie in the input file. */
  readonly model: string | number;
  readonly externalData?: string;
  readonly device?: TrainDevice;
  readonly threads?: number;
  /** Dims of images to predict once before the first request. */
  readonly warmUp?: readonly number[];
  readonly options: PredictOptions;
}

/** Images [N, C, ...spatial] that lie in the input file as float32. */
export interface ChildRequest {
  readonly dims: readonly number[];
  readonly options: PredictOptions;
}

export type ToChild = { readonly open: ChildModel } | { readonly predict: ChildRequest };

/** The answer to the one request under way: dims of the probabilities that lie in the output file, or what went wrong. */
export type FromChild = { readonly dims: readonly number[] } | { readonly error: string };
