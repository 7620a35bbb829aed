import type { InvalidArgumentError } from "@pixelcal/core";
import type { PredictorChild } from "./child-process.js";
import { publishRestart, publishTimeout } from "./events.js";
import { checkImages } from "./images.js";
import type { Job } from "./job.js";
import { PredictorError, type PredictorFailure } from "./predictor-error.js";
import type { Tally } from "./tally.js";

const crashed = "ERR_PIXELCAL_PREDICTOR_CRASHED";
const late = "ERR_PIXELCAL_PREDICTOR_TIMEOUT";

/** One process of a predictor, as `health()` shows it. */
export interface ProcessHealth {
  /** The process; undefined if none runs in its place. */
  readonly pid: number | undefined;
  /** A process that is "stopped" has ended; a request that finds no other free starts another. */
  readonly state: "starting" | "idle" | "busy" | "stopped";
  /** Processes started in this place after the first. */
  readonly restarts: number;
  /** Requests of the run in progress, 0 if there is none. */
  readonly busy: number;
  /** Milliseconds since the run in progress was given to the process, 0 if there is none. */
  readonly running: number;
}

/** The place of a process with the model: starts it, and another when it has ended; has one run at a time. */
export class ProcessSlot {
  readonly #open: () => { readonly child: PredictorChild; readonly opened: Promise<void> };
  readonly #tally: Tally;
  #child: PredictorChild | undefined;
  #starting: Promise<PredictorChild> | undefined;
  /** The requests that this place answers, and those of them that its process has now. */
  #jobs: readonly Job[] = [];
  #sent: readonly Job[] = [];
  #since = 0;
  #started = 0;
  #runs = 0;
  #refusal: PredictorError | undefined;

  /** `open` starts a process and lets it load the model. */
  constructor(open: () => { readonly child: PredictorChild; readonly opened: Promise<void> }, tally: Tally) {
    this.#open = open;
    this.#tally = tally;
  }

  get free(): boolean {
    return this.#jobs.length === 0;
  }

  /** The order in which free places are given work: those ready first, then those with the fewest runs. */
  get rank(): readonly [number, number] {
    const { state } = this.health();
    return [state === "idle" ? 0 : state === "starting" ? 1 : 2, this.#runs];
  }

  get restarts(): number {
    return Math.max(0, this.#started - 1);
  }

  health(): ProcessHealth {
    const [busy, running] = [this.#sent.length, this.#child?.running === true];
    const state = this.#starting ? "starting" : !running ? "stopped" : this.free ? "idle" : "busy";
    return {
      pid: running ? this.#child?.pid : undefined,
      state,
      restarts: this.restarts,
      busy,
      running: busy === 0 ? 0 : performance.now() - this.#since,
    };
  }

  /** Returns the process that holds the model, and starts one if none runs. */
  ready(): Promise<PredictorChild> {
    if (this.#starting !== undefined) return this.#starting;
    if (this.#child?.running) return Promise.resolve(this.#child);
    this.#starting = this.#start().finally(() => {
      this.#starting = undefined;
    });
    return this.#starting;
  }

  /** Answers the requests of one run; call it only while the place is free. Never rejects. */
  async answer(jobs: readonly Job[]): Promise<void> {
    this.#jobs = jobs;
    this.#runs += 1;
    await this.#answer(jobs);
  }

  /** Fails a request that this place answers; its process is killed if nobody waits for the run any more. */
  abort(job: Job, reason: PredictorError): void {
    if (!this.#jobs.includes(job) || job.settled) return;
    this.#fail(job, reason);
    if (this.#sent.length > 0 && this.#sent.every(({ settled }) => settled)) void this.#child?.kill(reason);
  }

  /** Kills the process; requests fail with `reason`, and no other process is started. */
  async kill(reason: PredictorError): Promise<void> {
    this.#refusal = reason;
    await this.#child?.kill(reason);
  }

  /** Lets the process exit; call it when the place is free. */
  async close(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    await this.#child?.close(2000);
    this.#child = undefined;
  }

  async #start(): Promise<PredictorChild> {
    if (this.#refusal !== undefined) throw this.#refusal;
    const before = this.#child;
    this.#started += 1;
    if (before !== undefined)
      publishRestart({ pid: before.pid, reason: before.ended?.message ?? "", restarts: this.restarts });
    const { child, opened } = this.#open();
    this.#child = child;
    try {
      await opened;
      return child;
    } catch (error) {
      await child.kill(error as PredictorError);
      throw error;
    }
  }

  async #answer(jobs: readonly Job[]): Promise<void> {
    try {
      await this.#run(jobs);
    } catch (error) {
      // Any of joined requests may be the cause. Alone, each answers for itself.
      if (jobs.length > 1 && hasCode(error, crashed, late, "ERR_PIXELCAL_PREDICTOR_FAILED")) {
        this.#tally.resent += jobs.length;
        for (const job of jobs) if (!job.settled) await this.#answer([job]);
      } else for (const job of jobs) this.#fail(job, error as Error);
    }
    this.#free();
  }

  async #run(jobs: readonly Job[]): Promise<void> {
    let begun = false;
    const begin = (): void => {
      begun = true;
      this.#tally.begin(this.#sent.length);
    };
    try {
      await this.#send(jobs, begin);
    } catch (error) {
      if (begun || !hasCode(error, crashed)) throw error;
      this.#tally.resent += jobs.length;
      await this.#send(jobs, begin);
    }
  }

  async #send(jobs: readonly Job[], begin: () => void): Promise<void> {
    const child = await this.ready();
    if (this.#refusal !== undefined) throw this.#refusal;
    const sent = jobs.filter((job) => !job.settled && this.#whole(job));
    const [first] = sent;
    if (first === undefined) return;
    this.#sent = sent;
    this.#since = performance.now();
    const { timeout } = first.settings;
    const expire = (): void => {
      publishTimeout({ pid: child.pid, timeout: timeout!, requests: sent.length });
      const message = `the prediction took more than ${timeout} ms`;
      void child.kill(new PredictorError(late, message));
    };
    const timer = timeout === undefined ? undefined : setTimeout(expire, timeout);
    try {
      const answers = await child.predict(
        sent.map(({ images }) => images),
        first.settings,
        begin,
      );
      for (const [i, job] of sent.entries()) {
        if (job.settled) continue;
        this.#tally.completed(performance.now() - job.since);
        job.resolve(answers[i]!);
      }
    } finally {
      clearTimeout(timer);
      this.#sent = [];
    }
    this.#free();
  }

  /** Frees the place as soon as its requests are settled, before their callers go on. */
  #free(): void {
    if (this.#sent.length === 0 && this.#jobs.every(({ settled }) => settled)) this.#jobs = [];
  }

  /** Arrays can be transferred or shrunk while a request waits: it then fails, and no other with it. */
  #whole(job: Job): boolean {
    try {
      checkImages(job.images, job.settings.scaling);
      return true;
    } catch (error) {
      this.#fail(job, error as InvalidArgumentError);
      return false;
    }
  }

  #fail(job: Job, error: Error): void {
    if (job.settled) return;
    this.#tally.failed(hasCode(error, late));
    job.reject(error);
  }
}

const hasCode = (error: unknown, ...codes: readonly PredictorFailure[]): boolean =>
  error instanceof PredictorError && codes.includes(error.code);
