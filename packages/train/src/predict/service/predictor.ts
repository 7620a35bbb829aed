import { checkOptions, invalidArgument, optionNames, type Tensor } from "@pixelcal/core";
import { Graph, serializeModel } from "@pixelcal/graph";
import type { PredictOptions } from "../predict.js";
import { PredictorChild } from "./child-process.js";
import { Latencies, type LatencySummary } from "./latencies.js";
import { PredictorError } from "./predictor-error.js";
import {
  checkImages,
  checkPredictorOptions,
  checkRequest,
  type PredictorOptions,
  type RequestOptions,
} from "./predictor-options.js";

export type { PredictorOptions, RequestOptions } from "./predictor-options.js";

export interface PredictorStatistics {
  readonly state: "starting" | "idle" | "busy" | "stopped" | "closed";
  readonly pid: number | undefined;
  /** Waiting requests, those that wait for a place in the queue included. */
  readonly waiting: number;
  readonly completed: number;
  readonly failed: number;
  readonly timedOut: number;
  /** Processes started after the first. */
  readonly restarts: number;
  /** Requests that a process began to predict, answered or not. */
  readonly begun: number;
  /** Requests sent again because their process ended before it had begun them. */
  readonly resent: number;
  /** Milliseconds from request to answer, over the last 1000 that were answered. */
  readonly latency: LatencySummary;
}

interface Job {
  readonly images: Tensor<"float32">;
  readonly options: RequestOptions;
  readonly since: number;
  resolve(probs: Tensor<"float32">): void;
  reject(error: Error): void;
}

/**
 * Predictions for services: the model runs in a process of its own, so that the event loop stays free and a
 * crash, a kill or a timeout loses only the request in progress. A request whose process ends before it has
 * begun it, as one that was killed while idle, is sent once more, to a new process: a prediction changes
 * nothing. One that had begun is not, as it may be what ended the process. Requests are answered in order;
 * none sees a byte of another.
 */
export class Predictor {
  readonly #options: PredictorOptions;
  readonly #model: string | Uint8Array;
  readonly #limit: number;
  readonly #jobs: Job[] = [];
  readonly #latencies = new Latencies(1000);
  #child: PredictorChild | undefined;
  #starting: Promise<PredictorChild> | undefined;
  #running: Job | undefined;
  #working: Promise<void> | undefined;
  #closed = false;
  #abandoned = false;
  #counts = { completed: 0, failed: 0, timedOut: 0, started: 0, begun: 0, resent: 0 };

  private constructor(options: PredictorOptions) {
    checkPredictorOptions(options);
    const { model, queue = 16 } = options;
    this.#options = options;
    this.#model = model instanceof Graph ? serializeModel(model) : model;
    this.#limit = queue;
  }

  /**
   * Starts the process and loads the model. Throws `InvalidArgumentError` for the options, and
   * `PredictorError` for a model that does not load.
   */
  static async open(options: PredictorOptions): Promise<Predictor> {
    const predictor = new Predictor(options);
    await predictor.#ready();
    return predictor;
  }

  /**
   * Returns class probabilities [N, classes, ...spatial] of images [N, C, ...spatial], in tiles if the
   * options say so. If the model ends in a sigmoid of several channels, whose classes may overlap, these are
   * the sigmoids. The images must not change before the promise settles. Rejects with `InvalidArgumentError`
   * for invalid images or options, else with `PredictorError`.
   */
  predict(images: Tensor<"float32">, options: RequestOptions = {}): Promise<Tensor<"float32">> {
    return new Promise((resolve, reject) => {
      checkRequest(images, options);
      const { signal } = options;
      if (this.#closed) throw new PredictorError("closed", "the predictor is closed");
      if (signal?.aborted) throw new PredictorError("aborted", "the request was aborted");
      if (this.#options.whenFull !== "wait" && this.#jobs.length >= this.#limit) {
        const what = `${this.#jobs.length} requests wait already, as many as the queue holds`;
        throw new PredictorError("busy", what);
      }
      const job: Job = {
        images,
        options,
        since: performance.now(),
        resolve: (probs) => settled(() => resolve(probs)),
        reject: (error) => settled(() => reject(error)),
      };
      const abort = (): void => this.#abort(job);
      const settled = (settle: () => void): void => {
        signal?.removeEventListener("abort", abort);
        settle();
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#jobs.push(job);
      this.#working ??= this.#work();
    });
  }

  /** Returns the state, the counts and the latencies. */
  statistics(): PredictorStatistics {
    const { started, ...counts } = this.#counts;
    return {
      state: this.#state(),
      pid: this.#child?.pid,
      waiting: this.#jobs.length,
      ...counts,
      restarts: Math.max(0, started - 1),
      latency: this.#latencies.summary(),
    };
  }

  /**
   * Ends the process when every request is answered, or at once with `drain: false`; waiting requests then
   * fail. Closing twice is harmless.
   */
  async close(options: { readonly drain?: boolean } = {}): Promise<void> {
    checkOptions("options", options, closeNames);
    const { drain = true } = options;
    if (typeof drain !== "boolean") throw invalidArgument("drain", "true or false", drain);
    this.#closed = true;
    const closed = new PredictorError("closed", "the predictor is closed");
    if (!drain) {
      this.#abandoned = true;
      for (const job of this.#jobs.splice(0)) job.reject(closed);
      await this.#child?.kill(closed);
    }
    await this.#working;
    await this.#starting?.catch(() => undefined);
    await this.#child?.close(2000);
    this.#child = undefined;
  }

  #state(): PredictorStatistics["state"] {
    if (this.#closed) return "closed";
    if (this.#starting !== undefined) return "starting";
    if (this.#running !== undefined) return "busy";
    return this.#child?.running ? "idle" : "stopped";
  }

  async #work(): Promise<void> {
    for (let job = this.#jobs.shift(); job !== undefined; job = this.#jobs.shift()) {
      this.#running = job;
      try {
        const probs = await this.#run(job);
        this.#counts.completed += 1;
        this.#latencies.add(performance.now() - job.since);
        job.resolve(probs);
      } catch (error) {
        this.#counts.failed += 1;
        if (error instanceof PredictorError && error.code === "timeout") this.#counts.timedOut += 1;
        job.reject(error as Error);
      }
      this.#running = undefined;
    }
    this.#working = undefined;
  }

  async #run(job: Job): Promise<Tensor<"float32">> {
    let begun = false;
    const begin = (): void => {
      begun = true;
      this.#counts.begun += 1;
    };
    try {
      return await this.#send(job, begin);
    } catch (error) {
      if (begun || !(error instanceof PredictorError) || error.code !== "crashed") throw error;
      this.#counts.resent += 1;
      return await this.#send(job, begin);
    }
  }

  async #send(job: Job, begin: () => void): Promise<Tensor<"float32">> {
    const child = await this.#ready();
    const options = predictOptions({ ...this.#options, ...job.options });
    const { timeout = this.#options.timeout } = job.options;
    if (job.options.signal?.aborted) throw new PredictorError("aborted", "the request was aborted");
    if (this.#abandoned) throw new PredictorError("closed", "the predictor is closed");
    // Arrays can be transferred or shrunk while the request waits.
    checkImages(job.images);
    const late = (): void => {
      void child.kill(new PredictorError("timeout", `the prediction took more than ${timeout} ms`));
    };
    const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
    try {
      return await child.predict(job.images, options, begin);
    } finally {
      clearTimeout(timer);
    }
  }

  #abort(job: Job): void {
    const aborted = new PredictorError("aborted", "the request was aborted");
    const place = this.#jobs.indexOf(job);
    if (place >= 0) this.#jobs.splice(place, 1);
    // A process that is still starting does not have the request yet; the next request needs it.
    else if (this.#running === job && this.#starting === undefined) void this.#child?.kill(aborted);
    job.reject(aborted);
  }

  /** Returns the process that holds the model, and starts one if none runs. */
  #ready(): Promise<PredictorChild> {
    if (this.#starting !== undefined) return this.#starting;
    if (this.#child?.running) return Promise.resolve(this.#child);
    this.#starting = this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  async #start(): Promise<PredictorChild> {
    const { externalData, device, threads, outputs, classAxis, channelAxis, warmUp } = this.#options;
    if (this.#abandoned) throw new PredictorError("closed", "the predictor is closed");
    const child = new PredictorChild(this.#options.stderr !== "ignore");
    this.#child = child;
    this.#counts.started += 1;
    try {
      const ends = { outputs, classAxis, channelAxis };
      const options = predictOptions(this.#options);
      await child.open({ model: this.#model, externalData, device, threads, ...ends, warmUp, options });
      return child;
    } catch (error) {
      await child.kill(error as PredictorError);
      throw error;
    }
  }
}

const closeNames = optionNames<{ drain?: boolean }>({ drain: true });

/** Picks the options that the child process needs. */
const predictOptions = ({ tile, overlap, blending, flips }: PredictOptions): PredictOptions => ({
  tile,
  overlap,
  blending,
  flips,
});
