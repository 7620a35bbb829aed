import { invalidArgument, type Tensor } from "@pixelcal/core";
import { Graph, serializeModel } from "@pixelcal/graph";
import type { ModelEnds } from "../model-ends.js";
import type { PredictOptions } from "../predict.js";
import type { TrainDevice } from "../session.js";
import { PredictorChild } from "./child-process.js";
import { Latencies, type LatencySummary } from "./latencies.js";
import { PredictorError } from "./predictor-error.js";

/** `PredictOptions` are how every image is predicted, unless a request says otherwise. */
export interface PredictorServiceOptions extends ModelEnds, PredictOptions {
  /** An ONNX file by its path (weights in other files of its folder are found), its bytes, or a graph. */
  readonly model: string | Uint8Array | Graph;
  readonly externalData?: string;
  readonly device?: TrainDevice;
  /** Processor threads of a run; all by default. */
  readonly threads?: number;
  /** Requests that may wait beside the one that runs; 16 by default. */
  readonly queue?: number;
  /** What happens to more: "reject" (default) throws at once, "wait" lets callers wait for a place. */
  readonly whenFull?: "reject" | "wait";
  /** Milliseconds that one prediction may run; its process is then ended and a new one begun. No limit by default. */
  readonly timeout?: number;
  /** Dims of images [N, C, ...spatial] to predict once in a new process, so that no request waits for compilation. */
  readonly warmUp?: readonly number[];
}

export interface RequestOptions extends PredictOptions {
  readonly timeout?: number;
  /** Takes the request back: out of the queue, or by ending the process that runs it. */
  readonly signal?: AbortSignal;
}

export interface PredictorStatistics {
  readonly state: "starting" | "idle" | "busy" | "stopped" | "closed";
  readonly pid: number | undefined;
  /** Requests that wait, those for a place in the queue included. */
  readonly waiting: number;
  readonly completed: number;
  readonly failed: number;
  readonly timedOut: number;
  /** Processes begun after the first. */
  readonly restarts: number;
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
 * Predictions for services: the model runs in a process of its own, so that the event loop stays free and neither a
 * crash, a kill nor a timeout takes more than the request under way. Requests are answered in order.
 */
export class Predictor {
  readonly #options: PredictorServiceOptions;
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
  #counts = { completed: 0, failed: 0, timedOut: 0, started: 0 };

  private constructor(options: PredictorServiceOptions) {
    const { model, queue = 16, whenFull = "reject", timeout } = options;
    if (!(Number.isInteger(queue) && queue >= 1))
      throw invalidArgument("queue", "an integer of 1 or more", queue);
    if (whenFull !== "reject" && whenFull !== "wait")
      throw invalidArgument("whenFull", "reject or wait", whenFull);
    checkTimeout(timeout);
    this.#options = options;
    this.#model = model instanceof Graph ? serializeModel(model) : model;
    this.#limit = queue;
  }

  /** Starts the process and loads the model; what is wrong with it is thrown here. */
  static async open(options: PredictorServiceOptions): Promise<Predictor> {
    const predictor = new Predictor(options);
    await predictor.#ready();
    return predictor;
  }

  /**
   * Class probabilities [N, classes, ...spatial] of images [N, C, ...spatial], in tiles where the options say so. The
   * images must not change until then. Throws `PredictorError`.
   */
  predict(images: Tensor<"float32">, options: RequestOptions = {}): Promise<Tensor<"float32">> {
    return new Promise((resolve, reject) => {
      checkTimeout(options.timeout);
      if (images.type !== "float32" || images.dims.length < 3) {
        throw invalidArgument("images", "float32 [N, C, ...spatial]", `${images.type} [${images.dims}]`);
      }
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

  /** How it stands. */
  statistics(): PredictorStatistics {
    const { completed, failed, timedOut, started } = this.#counts;
    const latency = this.#latencies.summary();
    const restarts = Math.max(0, started - 1);
    const { pid } = this.#child ?? {};
    return {
      state: this.#state(),
      pid,
      waiting: this.#jobs.length,
      completed,
      failed,
      timedOut,
      restarts,
      latency,
    };
  }

  /**
   * Ends the process when every request is answered, or with `drain: false` at once: those that wait then fail. Closing
   * twice is harmless.
   */
  async close({ drain = true }: { readonly drain?: boolean } = {}): Promise<void> {
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
    const child = await this.#ready();
    const options = predictOptions({ ...this.#options, ...job.options });
    const { timeout = this.#options.timeout } = job.options;
    if (job.options.signal?.aborted) throw new PredictorError("aborted", "the request was aborted");
    if (this.#abandoned) throw new PredictorError("closed", "the predictor is closed");
    const late = (): void => {
      void child.kill(new PredictorError("timeout", `the prediction took more than ${timeout} ms`));
    };
    const timer = timeout === undefined ? undefined : setTimeout(late, timeout);
    try {
      return await child.predict(job.images, options);
    } finally {
      clearTimeout(timer);
    }
  }

  #abort(job: Job): void {
    const aborted = new PredictorError("aborted", "the request was aborted");
    const place = this.#jobs.indexOf(job);
    if (place >= 0) {
      this.#jobs.splice(place, 1);
      job.reject(aborted);
    } else if (this.#running === job && this.#starting === undefined) void this.#child?.kill(aborted);
  }

  /** A process that has the model; another one when the last has ended. */
  async #ready(): Promise<PredictorChild> {
    if (this.#child?.running) return this.#child;
    this.#starting ??= this.#start();
    try {
      this.#child = await this.#starting;
      return this.#child;
    } finally {
      this.#starting = undefined;
    }
  }

  async #start(): Promise<PredictorChild> {
    const { externalData, device, threads, outputs, classAxis, channelAxis, warmUp } = this.#options;
    const child = new PredictorChild();
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

/** Those options alone, which are what the child needs of them. */
const predictOptions = ({ tile, overlap, blending, flips }: PredictOptions): PredictOptions => ({
  tile,
  overlap,
  blending,
  flips,
});

function checkTimeout(timeout: number | undefined): void {
  if (timeout !== undefined && !(timeout > 0 && timeout < 2 ** 31))
    throw invalidArgument("timeout", "milliseconds above 0", timeout);
}
