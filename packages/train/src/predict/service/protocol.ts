import type { CanonicalOptions } from "../../model/canonical.js";
import type { TrainDevice } from "../../runtime/session.js";
import type { PredictOptions } from "../predict.js";
import type { PixelScaling, PredictorImages } from "./images.js";

/** The child's file descriptors of the files that exchange images and probabilities. */
export const exchangeFiles = { input: 4, output: 5 } as const;

/** The model of a child process, and how it predicts. */
export interface ChildModel extends CanonicalOptions {
  /** The path of an ONNX file, or the number of its bytes, which the input file holds. */
  readonly model: string | number;
  readonly externalData?: string;
  readonly device?: TrainDevice;
  readonly threads?: number;
  /** Image shapes whose compiled models are kept. */
  readonly shapes?: number;
  /** Dims of images to predict once before the first request. */
  readonly warmUps: readonly (readonly number[])[];
  readonly options: PredictOptions;
  /** Whether images are prepared as the file says. */
  readonly preparation: "file" | "none";
}

/** A run: images [N, C, ...spatial], the `bytes` of the input file. */
interface ChildRequest {
  readonly type: PredictorImages["type"];
  readonly scaling?: PixelScaling;
  readonly dims: readonly number[];
  readonly bytes: number;
  readonly options: PredictOptions;
}

export type ToChild = { readonly open: ChildModel } | { readonly predict: ChildRequest };

/**
 * A child's messages about the request in progress: first that it has begun, then either the dims of the
 * probabilities in the output file or an error. `unprepared` says of a model just loaded that its file does
 * not say how images are prepared.
 */
export type FromChild =
  | { readonly begun: true }
  | { readonly dims: readonly number[]; readonly unprepared?: true }
  | { readonly error: string };
