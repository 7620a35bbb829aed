import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { elementCount, type Tensor, tensor } from "@pixelcal/core";
import type { PredictOptions } from "../predict.js";
import { ExchangeFile } from "./exchange.js";
import { PredictorError } from "./predictor-error.js";
import type { ChildModel, FromChild, ToChild } from "./protocol.js";
import { StderrTail } from "./stderr-tail.js";

// Node does not run the sources: tests start the built program.
const program = fileURLToPath(new URL("../../../dist/predict/service/child.js", import.meta.url));

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

  /** `forward` says whether the process's stderr is passed on to this process's while it works. */
  constructor(forward: boolean) {
    this.#files = openFiles();
    try {
      this.#process = spawn(process.execPath, [program], {
        stdio: ["ignore", "ignore", "pipe", "ipc", ...this.#files.map(({ descriptor }) => descriptor)],
        serialization: "json",
      });
    } catch (error) {
      for (const file of this.#files) file.close();
      throw new PredictorError("crashed", `the predictor's process does not run: ${what(error)}`, {
        cause: error,
      });
    }
    this.#stderr = new StderrTail(this.#process.stderr, forward);
    this.#exited = new Promise((resolve) => {
      const end = (how: string): void => {
        this.#fail(new PredictorError("crashed", `the predictor's process ${how}${this.#stderr.tail()}`));
        for (const file of this.#files) file.close();
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
   * Returns probabilities [N, classes, ...spatial] of images, which must not change before. Calls `begin`
   * when the process begins to predict.
   */
  async predict(
    images: Tensor<"float32">,
    options: PredictOptions,
    begin: () => void,
  ): Promise<Tensor<"float32">> {
    const { data, dims } = images;
    const bytes = data.byteLength;
    const [input, output] = this.#files;
    try {
      await this.#guarded(input.write(new Uint8Array(data.buffer, data.byteOffset, bytes)));
      const shape = await this.#ask({ predict: { dims, bytes, options } }, begin);
      const probs = new Float32Array(elementCount(shape));
      await this.#guarded(output.read(new Uint8Array(probs.buffer)));
      return tensor("float32", probs, shape);
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
    this.#fail(new PredictorError("closed", "the predictor is closed"));
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
      this.#process.channel?.ref();
      // If the channel is closed, the process has ended; its exit event follows and gives the reason.
      this.#process.send(message, () => undefined);
    });
  }

  /** Awaits an exchange; throws the process's error if the process has ended. */
  async #guarded(exchange: Promise<unknown>): Promise<void> {
    try {
      await exchange;
    } catch (error) {
      throw this.#ended ?? new PredictorError("failed", what(error), { cause: error });
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
    if ("dims" in reply) waiting.resolve(reply.dims);
    else waiting.reject(new PredictorError("failed", reply.error));
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
    this.#process.channel?.unref();
  }
}

function openFiles(): readonly [ExchangeFile, ExchangeFile] {
  const opened: ExchangeFile[] = [];
  try {
    opened.push(new ExchangeFile());
    return [opened[0]!, new ExchangeFile()];
  } catch (error) {
    for (const file of opened) file.close();
    throw new PredictorError("failed", `no file to exchange images through: ${what(error)}`, {
      cause: error,
    });
  }
}

const what = (error: unknown): string => (error instanceof Error ? error.message : String(error));
