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
export interface ChildRequest {
  readonly type: PredictorImages["type"];
  readonly scaling?: PixelScaling;
  readonly dims: readonly number[];
  readonly bytes: number;
  readonly options: PredictOptions;
  /** The spacing per spatial axis of the images; a model that resamples needs it. */
  readonly spacing?: readonly number[];
}

/** The facts that a model's file carries of how its images are predicted. */
export interface Carried {
  /** Set where the file should say how images are prepared and does not. */
  readonly unprepared?: true;
  /** The size of the tiles that the network takes. */
  readonly tile?: readonly number[];
  /** Set where images are cut or resampled, so that each has a size of its own. */
  readonly separate?: true;
  /** The spacing that images are resampled to. */
  readonly spacing?: readonly number[];
}

export type ToChild = { readonly open: ChildModel } | { readonly predict: ChildRequest };

/**
 * A child's messages about the request in progress: first that it has begun, then either the dims of the
 * probabilities in the output file or an error; of a model just loaded what its file carries.
 */
export type FromChild =
  | { readonly begun: true }
  | { readonly dims: readonly number[]; readonly carried?: Carried }
  | { readonly error: string };
