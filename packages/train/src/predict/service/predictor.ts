import { checkOptions, invalidArgument, optionNames, type Tensor } from "@pixelcal/core";
import { childProgram } from "../../runtime/child-program.js";
import { childModel } from "./child-model.js";
import { PredictorChild } from "./child-process.js";
import type { PredictorImages } from "./images.js";
import { Job, settingsOf } from "./job.js";
import { PredictorError } from "./predictor-error.js";
import {
  checkPredictorOptions,
  checkRequest,
  type PredictorOptions,
  type RequestOptions,
} from "./predictor-options.js";
import { type ProcessHealth, ProcessSlot } from "./process-slot.js";
import type { Carried } from "./protocol.js";
import { RequestQueue } from "./request-queue.js";
import { type LatencySummary, Tally } from "./tally.js";

export type { BatchOptions, PredictorOptions, RequestOptions } from "./predictor-options.js";

/** The state of a predictor, for the health check of a service. */
export interface PredictorHealth {
  /**
   * "ready" if every process can take requests, "degraded" if some are starting or have ended, "starting" if
   * none can but one is starting, "stopped" if all have ended: the next request starts one.
   */
  readonly state: "ready" | "degraded" | "starting" | "stopped" | "closed";
  readonly processes: readonly ProcessHealth[];
  /** The number of waiting requests, and how many may wait; infinite if `whenFull` is "wait". */
  readonly queued: number;
  readonly queue: number;
}

export interface PredictorStatistics {
  /** Answered requests. */
  readonly completed: number;
  /** Requests that failed after a process took them, those that timed out included. */
  readonly failed: number;
  readonly timedOut: number;
  /** Processes started in the place of others. */
  readonly restarts: number;
  /** Runs of the model: fewer than requests where some were joined. */
  readonly runs: number;
  /** Requests that a process began to predict, answered or not. */
  readonly begun: number;
  /**
   * Requests sent again: their process ended before it had begun them, or they were joined with others and
   * their run failed.
   */
  readonly resent: number;
  /** Milliseconds from request to answer, over the last 1000 that were answered. */
  readonly latency: LatencySummary;
}

/**
 * Predictions for services: the model runs in processes of its own, so that the event loop stays free and a
 * crash, a kill or a timeout loses only the request in progress. A request whose process ends before it has
 * begun it, as one that was killed while idle, is sent once more, to a new process: a prediction changes
 * nothing. One that had begun is not, as it may be what ended the process; if it was joined with others, each
 * of them runs once more, alone. Requests begin in order; none sees a byte of another.
 */
export class Predictor {
  readonly #options: PredictorOptions;
  readonly #queue: RequestQueue;
  readonly #slots: readonly ProcessSlot[];
  readonly #tally = new Tally();
  readonly #serving = new Set<Promise<void>>();
  #carried: Carried = {};
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: PredictorOptions) {
    checkPredictorOptions(options);
    this.#options = options;
    this.#queue = new RequestQueue(options.batch);
    const model = childModel(options);
    const program = childProgram("@pixelcal/train/child", options.childProgram);
    const open = () => {
      const child = new PredictorChild(program, options.stderr !== "ignore");
      return { child, opened: child.open(model) };
    };
    this.#slots = Array.from({ length: options.processes ?? 1 }, () => new ProcessSlot(open, this.#tally));
  }

  /**
   * Starts the processes and loads the model in each. Emits a warning of code PIXELCAL_UNPREPARED if the
   * model's file does not say how images are prepared. Throws `InvalidArgumentError` for the options, and
   * `PredictorError` for a model that does not load.
   */
  static async open(options: PredictorOptions): Promise<Predictor> {
    const predictor = new Predictor(options);
    try {
      const children = await Promise.all(predictor.#slots.map((slot) => slot.ready()));
      predictor.#carried = children[0]!.carried;
      if (predictor.#carried.unprepared) warnUnprepared(options);
      return predictor;
    } catch (error) {
      await predictor.close({ drain: false });
      throw error;
    }
  }

  /**
   * Returns class probabilities [N, classes, ...spatial] of images [N, C, ...spatial], each prepared as the
   * model's file says (cut, normalised, resampled by `spacing`) and predicted in tiles if the file or the
   * options say so; the probabilities are those of the images' own pixels. If the model ends in a sigmoid of
   * several channels, whose classes may overlap, these are the sigmoids. float16 images are widened exactly,
   * uint8 images by `scaling`. The images must not change before the promise settles. Rejects with
   * `InvalidArgumentError` for invalid images or options, else with `PredictorError`.
   */
  async predict(images: PredictorImages, options: RequestOptions = {}): Promise<Tensor<"float32">> {
    checkRequest(images, options, this.#options, this.#carried.spacing);
    const { signal } = options;
    if (this.#closed) throw closed();
    if (signal?.aborted) throw aborted(signal);
    if (this.#queue.length >= this.#limit) {
      const what = `${this.#queue.length} requests wait already, as many as the queue holds`;
      throw new PredictorError("ERR_PIXELCAL_PREDICTOR_BUSY", what);
    }
    const job = new Job(images, settingsOf(this.#options, options, this.#carried));
    const abort = (): void => this.#abort(job, aborted(signal!));
    signal?.addEventListener("abort", abort, { once: true });
    this.#queue.add(job);
    this.#dispatch();
    try {
      return await job.answer;
    } finally {
      signal?.removeEventListener("abort", abort);
    }
  }

  /** Returns the state, that of each process, and how many requests wait. */
  health(): PredictorHealth {
    const processes = this.#slots.map((slot) => slot.health());
    return { state: this.#state(processes), processes, queued: this.#queue.length, queue: this.#limit };
  }

  /** Returns the counts since the predictor was opened, and the latencies. */
  statistics(): PredictorStatistics {
    const restarts = this.#slots.reduce((sum, slot) => sum + slot.restarts, 0);
    return { ...this.#tally.counts(), restarts, latency: this.#tally.latency() };
  }

  /**
   * Ends the processes when every request is answered, or at once with `drain: false`; waiting requests then
   * fail. Closing twice is harmless.
   */
  async close(options: { readonly drain?: boolean } = {}): Promise<void> {
    checkOptions("options", options, closeNames);
    const { drain = true } = options;
    if (typeof drain !== "boolean") throw invalidArgument("drain", "true or false", drain);
    this.#closed = true;
    if (!drain) {
      for (const job of this.#queue.clear()) job.reject(closed());
      await Promise.all(this.#slots.map((slot) => slot.kill(closed())));
    }
    this.#dispatch();
    while (this.#serving.size > 0) await Promise.all(this.#serving);
    await Promise.all(this.#slots.map((slot) => slot.close()));
  }

  /** Closes when every request is answered; called at the end of an `await using` block. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #limit(): number {
    const { queue = 16, whenFull } = this.#options;
    return whenFull === "wait" ? Number.POSITIVE_INFINITY : queue;
  }

  #state(processes: readonly ProcessHealth[]): PredictorHealth["state"] {
    if (this.#closed) return "closed";
    const working = processes.filter(({ state }) => state === "idle" || state === "busy").length;
    if (working > 0) return working === processes.length ? "ready" : "degraded";
    return processes.some(({ state }) => state === "starting") ? "starting" : "stopped";
  }

  /** Gives runs to the free places, the least busy first; whoever ends a run calls this again. */
  #dispatch(): void {
    clearTimeout(this.#timer);
    for (let slot = this.#freeSlot(); slot !== undefined; slot = this.#freeSlot()) {
      const jobs = this.#queue.take(this.#closed ? Number.POSITIVE_INFINITY : performance.now());
      if (jobs.length === 0) {
        const due = this.#queue.due - performance.now();
        if (Number.isFinite(due)) this.#timer = setTimeout(() => this.#dispatch(), Math.max(0, due));
        return;
      }
      const served: Promise<void> = slot.answer(jobs).then(() => {
        this.#serving.delete(served);
        this.#dispatch();
      });
      this.#serving.add(served);
    }
  }

  #freeSlot(): ProcessSlot | undefined {
    const before = ([a, b]: ProcessSlot["rank"], [c, d]: ProcessSlot["rank"]): number => a - c || b - d;
    return this.#slots.filter(({ free }) => free).sort((a, b) => before(a.rank, b.rank))[0];
  }

  #abort(job: Job, reason: PredictorError): void {
    if (this.#queue.remove(job)) job.reject(reason);
    else for (const slot of this.#slots) slot.abort(job, reason);
  }
}

function warnUnprepared({ model }: PredictorOptions): void {
  const name = typeof model === "string" ? model : "the model";
  const what = `${name} carries no normalization, images are predicted as they are; preparation: "none" says so`;
  process.emitWarning(what, { type: "PixelCalWarning", code: "PIXELCAL_UNPREPARED" });
}

const closeNames = optionNames<{ drain?: boolean }>({ drain: true });

const closed = (): PredictorError =>
  new PredictorError("ERR_PIXELCAL_PREDICTOR_CLOSED", "the predictor is closed");

const aborted = ({ reason }: AbortSignal): PredictorError =>
  new PredictorError("ERR_PIXELCAL_PREDICTOR_ABORTED", "the request was aborted", { cause: reason });
