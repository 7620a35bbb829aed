import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { elementCount, type Tensor, tensor } from "@pixelcal/core";
import type { PredictOptions } from "../predict.js";
import { ExchangeFile } from "./exchange.js";
import { PredictorError } from "./predictor-error.js";
import type { ChildModel, FromChild, ToChild } from "./protocol.js";
import { StderrTail } from "./stderr-tail.js";

// Sources are not run by Node itself: from there it is the built program.
const program = fileURLToPath(new URL("../../../dist/predict/service/child.js", import.meta.url));

interface Waiting {
  begin(): void;
  resolve(dims: readonly number[]): void;
  reject(error: Error): void;
}

/** A process with a model, one request at a time. Once it has ended, by itself or killed, it answers no more. */
export class PredictorChild {
  readonly #process: ChildProcess;
  readonly #files: readonly [ExchangeFile, ExchangeFile];
  readonly #exited: Promise<void>;
  readonly #stderr: StderrTail;
  #waiting: Waiting | undefined;
  #ended: PredictorError | undefined;

  /** `forward` says whether what the process writes to stderr goes to this one's while it works. */
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
      // More errors may follow, for example of a kill that came too late.
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

  /** Loads a model, given as in `ChildModel` or as its bytes; once, before anything else. */
  async open(model: Omit<ChildModel, "model"> & { readonly model: string | Uint8Array }): Promise<void> {
    const { model: source } = model;
    const [input] = this.#files;
    if (typeof source !== "string") await this.#guarded(input.write(source));
    await this.#ask({ open: { ...model, model: typeof source === "string" ? source : source.length } });
    await this.#guarded(input.clear());
  }

  /**
   * Probabilities [N, classes, ...spatial] of images, which must not change until then. `begin` is called when the
   * process has begun.
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
      // The files of a process that has ended are gone.
      await Promise.allSettled([input.clear(), output.clear()]);
    }
  }

  /** Ends the process at once; what it was doing fails with `reason`. Resolves when it is gone. */
  kill(reason: PredictorError): Promise<void> {
    this.#fail(reason);
    this.#hold();
    this.#process.kill("SIGKILL");
    return this.#exited;
  }

  /** Lets the process end by itself, which it does when it is not busy. */
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
      // A channel that is closed belongs to a process that has ended, whose end is about to be told with its reason.
      this.#process.send(message, () => undefined);
    });
  }

  /** An exchange that counts only while the process runs. */
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

  /** From here on nothing is heard of the process but its end. */
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

  /** A process without work does not keep the parent alive. */
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
