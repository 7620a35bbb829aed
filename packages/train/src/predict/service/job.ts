import type { Tensor } from "@pixelcal/core";
import type { PredictOptions } from "../predict.js";
import type { PixelScaling, PredictorImages } from "./images.js";
import type { PredictorOptions, RequestOptions } from "./predictor-options.js";
import type { Carried } from "./protocol.js";

/** The settings of a request, the predictor's own where it sets none. */
export interface JobSettings {
  readonly options: PredictOptions;
  readonly timeout?: number;
  readonly scaling?: PixelScaling;
  /** The spacing of the images, for a model that resamples. */
  readonly spacing?: readonly number[];
  /** Set where each image is predicted in a size of its own, so that requests are not joined. */
  readonly separate?: true;
}

/** A request from the time it is made until its promise settles. */
export class Job {
  readonly images: PredictorImages;
  readonly settings: JobSettings;
  readonly since: number = performance.now();
  readonly answer: Promise<Tensor<"float32">>;
  #resolve!: (probs: Tensor<"float32">) => void;
  #reject!: (error: Error) => void;
  #settled = false;

  constructor(images: PredictorImages, settings: JobSettings) {
    this.images = images;
    this.settings = settings;
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
  }

  get settled(): boolean {
    return this.#settled;
  }

  resolve(probs: Tensor<"float32">): void {
    this.#settled = true;
    this.#resolve(probs);
  }

  reject(error: Error): void {
    this.#settled = true;
    this.#reject(error);
  }
}

/** Returns the settings of a request: its own options before the predictor's, before those of the file. */
export function settingsOf(
  predictor: PredictorOptions,
  request: RequestOptions,
  { tile, separate, spacing: resampled }: Carried = {},
): JobSettings {
  const { timeout, scaling, spacing, ...options } = {
    ...defined({ tile }),
    ...defined(predictor),
    ...defined(request),
  };
  return {
    options: predictOptions(options),
    timeout,
    scaling,
    ...(resampled && { spacing }),
    ...(separate && { separate }),
  };
}

/** Picks the options that a process needs for one run. */
export const predictOptions = ({ tile, overlap, blending, flips }: PredictOptions): PredictOptions => ({
  tile,
  overlap,
  blending,
  flips,
});

/** Leaves out what is undefined, which counts as absent. */
const defined = <T extends object>(options: T): T =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
