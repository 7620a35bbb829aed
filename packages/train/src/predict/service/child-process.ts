import { type ChildProcess, spawn } from "node:child_process";
import { elementCount, type Tensor, tensor } from "@pixelcal/core";
import { ExchangeFile } from "./exchange.js";
import type { PredictorImages } from "./images.js";
import type { JobSettings } from "./job.js";
import { PredictorError } from "./predictor-error.js";
import type { Carried, ChildModel, FromChild, ToChild } from "./protocol.js";
import { StderrTail } from "./stderr-tail.js";

/** An Electron app starts its own program again, unless it is told to be Node. */
const asNode = process.versions.electron === undefined ? {} : { ELECTRON_RUN_AS_NODE: "1" };

interface Waiting {
  begin(): void;
  resolve(dims: readonly number[]): void;
  reject(error: Error): void;
}

/** A child process with a model, which answers one request at a time until it exits or is killed. */
export class PredictorChild {
  readonly #process: ChildProcess;
  readonly #files: readonly [ExchangeFile, ExchangeFile];
  readonly #exited: Promise<void>;
  readonly #stderr: StderrTail;
  #waiting: Waiting | undefined;
  #ended: PredictorError | undefined;
  #carried: Carried = {};

  /**
   * Starts a program, `child.js` or a bundle of it. `forward` says whether the process's stderr is passed on
   * to this process's while it works.
   */
  constructor(program: string, forward: boolean) {
    this.#files = openFiles();
    try {
      this.#process = spawn(process.execPath, [program], {
        stdio: ["ignore", "ignore", "pipe", "ipc", ...this.#files.map(({ descriptor }) => descriptor)],
        serialization: "json",
        env: { ...process.env, ...asNode },
      });
    } catch (error) {
      for (const file of this.#files) file.close();
      throw new PredictorError(
        "ERR_PIXELCAL_PREDICTOR_CRASHED",
        `the predictor's process does not run: ${what(error)}`,
        {
          cause: error,
        },
      );
    }
    this.#stderr = new StderrTail(this.#process.stderr, forward);
    this.#exited = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#fail(
          new PredictorError(
            "ERR_PIXELCAL_PREDICTOR_CRASHED",
            `the predictor's process ${how}${this.#stderr.tail()}`,
          ),
        );
        for (const file of this.#files) file.close();
        // Deno would wait for the channel of a process that has ended.
        this.#idle();
        resolve();
      };
      // Later errors, for example of a kill after the exit, change nothing.
      this.#process.on("error", (error) => {
        if (this.#process.pid === undefined) end(`does not run: ${error.message}`);
      });
      this.#process.once("exit", (code, signal) => {
        void this.#stderr.ended.then(() => end(`ended (${signal ?? `exit code ${code}`})`));
      });
    });
    this.#process.on("message", (reply: FromChild) => this.#settle(reply));
    this.#idle();
  }

  /** The reason why the process takes no more requests; undefined while it does. */
  get ended(): PredictorError | undefined {
    return this.#ended;
  }

  /** The facts that the model's file carries, once it is open. */
  get carried(): Carried {
    return this.#carried;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    const { exitCode, signalCode } = this.#process;
    return this.#ended === undefined && exitCode === null && signalCode === null;
  }

  /** Loads a model, given as in `ChildModel` or as bytes. Call it once, before anything else. */
  async open(model: Omit<ChildModel, "model"> & { readonly model: string | Uint8Array }): Promise<void> {
    const { model: source } = model;
    const [input] = this.#files;
    if (typeof source !== "string") await this.#guarded(input.write(source));
    await this.#ask({ open: { ...model, model: typeof source === "string" ? source : source.length } });
    await this.#guarded(input.clear());
  }

  /**
   * Returns probabilities [N, classes, ...spatial] of each of some images of the same type and dims, which
   * must not change before. Calls `begin` when the process begins to predict.
   */
  async predict(
    images: readonly PredictorImages[],
    { options, scaling, spacing }: Pick<JobSettings, "options" | "scaling" | "spacing">,
    begin: () => void,
  ): Promise<readonly Tensor<"float32">[]> {
    const { type, dims } = images[0]!;
    const parts = images.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    const bytes = images.length * parts[0]!.byteLength;
    const all = [images.length * dims[0]!, ...dims.slice(1)];
    const [input, output] = this.#files;
    try {
      await this.#guarded(input.write(...parts));
      const shape = await this.#ask(
        { predict: { type, dims: all, bytes, options, scaling, spacing } },
        begin,
      );
      const own = [dims[0]!, ...shape.slice(1)];
      const probs = images.map(() => new Float32Array(elementCount(own)));
      await this.#guarded(output.read(...probs.map(({ buffer }) => new Uint8Array(buffer))));
      return probs.map((data) => tensor("float32", data, own));
    } finally {
      // The files are closed once the process has ended.
      await Promise.allSettled([input.clear(), output.clear()]);
    }
  }

  /** Kills the process; its request fails with `reason`. Resolves when the process has exited. */
  kill(reason: PredictorError): Promise<void> {
    this.#fail(reason);
    this.#hold();
    this.#process.kill("SIGKILL");
    return this.#exited;
  }

  /** Lets the process exit, and kills it after `patience` milliseconds. */
  async close(patience: number): Promise<void> {
    this.#fail(new PredictorError("ERR_PIXELCAL_PREDICTOR_CLOSED", "the predictor is closed"));
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), patience);
    this.#hold();
    await this.#exited;
    clearTimeout(timer);
  }

  #ask(message: ToChild, begin: () => void = () => undefined): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting = { begin, resolve, reject };
      this.#process.ref();
      this.#process.channel?.ref?.();
      // If the channel is closed, the process has ended; its exit event follows and gives the reason.
      this.#process.send(message, () => undefined);
    });
  }

  /** Awaits an exchange; throws the process's error if the process has ended. */
  async #guarded(exchange: Promise<unknown>): Promise<void> {
    try {
      await exchange;
    } catch (error) {
      throw this.#ended ?? new PredictorError("ERR_PIXELCAL_PREDICTOR_FAILED", what(error), { cause: error });
    }
    if (this.#ended !== undefined) throw this.#ended;
  }

  #settle(reply: FromChild): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    if ("begun" in reply) {
      waiting.begin();
      return;
    }
    this.#waiting = undefined;
    this.#idle();
    if ("dims" in reply) {
      if (reply.carried !== undefined) this.#carried = reply.carried;
      waiting.resolve(reply.dims);
    } else waiting.reject(new PredictorError("ERR_PIXELCAL_PREDICTOR_FAILED", reply.error));
  }

  /** Fails the request in progress; from here on only the exit of the process counts. */
  #fail(error: PredictorError): void {
    this.#ended ??= error;
    this.#stderr.silence();
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }

  /** Keeps the parent alive until the process is gone. */
  #hold(): void {
    this.#process.ref();
    this.#stderr.ref();
  }

  /** Lets the parent exit while the process has no request. */
  #idle(): void {
    this.#process.unref();
    this.#process.channel?.unref?.();
  }
}

function openFiles(): readonly [ExchangeFile, ExchangeFile] {
  const opened: ExchangeFile[] = [];
  try {
    opened.push(new ExchangeFile());
    return [opened[0]!, new ExchangeFile()];
  } catch (error) {
    for (const file of opened) file.close();
    throw new PredictorError(
      "ERR_PIXELCAL_PREDICTOR_FAILED",
      `no file to exchange images through: ${what(error)}`,
      {
        cause: error,
      },
    );
  }
}

const what = (error: unknown): string => (error instanceof Error ? error.message : String(error));
