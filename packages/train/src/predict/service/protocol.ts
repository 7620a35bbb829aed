import type { ModelEnds } from "../../model/canonical.js";
import type { TrainDevice } from "../../runtime/session.js";
import type { PredictOptions } from "../predict.js";

/** Descriptors that the child finds the files open at that images and probabilities go through. */
export const exchangeFiles = { input: 4, output: 5 } as const;

/** What a child predicts with. */
export interface ChildModel extends ModelEnds {
  /** The path of an ONNX file, or the number of its bytes, which the input file holds. */
  readonly model: string | number;
  readonly externalData?: string;
  readonly device?: TrainDevice;
  readonly threads?: number;
  /** Dims of images to predict once before the first request. */
  readonly warmUp?: readonly number[];
  readonly options: PredictOptions;
}

/** Images [N, C, ...spatial] as float32: all `bytes` that the input file holds. */
interface ChildRequest {
  readonly dims: readonly number[];
  readonly bytes: number;
  readonly options: PredictOptions;
}

export type ToChild = { readonly open: ChildModel } | { readonly predict: ChildRequest };

/**
 * What a child says of the one request under way: first that it has begun, then the answer: dims of the probabilities,
 * which are all that the output file holds, or what went wrong.
 */
export type FromChild =
  | { readonly begun: true }
  | { readonly dims: readonly number[] }
  | { readonly error: string };
