import { type ChildProcess, spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { elementCount, type Tensor, tensor } from "@pixelcal/core";
import type { PredictOptions } from "../predict.js";
import { ExchangeFile } from "./exchange.js";
import { PredictorError } from "./predictor-error.js";
import type { ChildModel, FromChild, ToChild } from "./protocol.js";

// Sources are not run by Node itself: from there it is the built program.
const program = fileURLToPath(new URL("../../dist/service/child.js", import.meta.url));

interface Waiting {
  resolve(dims: readonly number[]): void;
  reject(error: Error): void;
}

/** A process with a model, one request at a time. Once it has ended, by itself or killed, it answers no more. */
export class PredictorChild {
  readonly #process: ChildProcess;
  readonly #input: ExchangeFile;
  readonly #output: ExchangeFile;
  readonly #exited: Promise<void>;
  #waiting: Waiting | undefined;
  #ended: PredictorError | undefined;

  constructor() {
    this.#input = new ExchangeFile();
    this.#output = new ExchangeFile();
    const files = [this.#input.descriptor, this.#output.descriptor];
    this.#process = spawn(process.execPath, [program], {
      stdio: ["ignore", "ignore", "inherit", "ipc", ...files],
      serialization: "json",
    });
    this.#exited = new Promise((resolve) => {
      const end = (what: string): void => {
        this.#fail(new PredictorError("crashed", `the predictor's process ${what}`));
        this.#input.close();
        this.#output.close();
        resolve();
      };
      this.#process.once("error", (error) => end(`does not run: ${error.message}`));
      this.#process.once("exit", (code, signal) => end(`ended (${signal ?? `exit code ${code}`})`));
    });
    this.#process.on("message", (reply: FromChild) => this.#settle(reply));
    this.#idle();
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  get running(): boolean {
    return this.#ended === undefined;
  }

  /** Loads a model, given as in `ChildModel` or as its bytes; once, before anything else. */
  async open(model: Omit<ChildModel, "model"> & { readonly model: string | Uint8Array }): Promise<void> {
    const { model: source } = model;
    if (typeof source !== "string") await this.#guarded(this.#input.write(source));
    await this.#ask({ open: { ...model, model: typeof source === "string" ? source : source.length } });
  }

  /** Probabilities [N, classes, ...spatial] of images, which must not change until then. */
  async predict(images: Tensor<"float32">, options: PredictOptions): Promise<Tensor<"float32">> {
    const { data, dims } = images;
    await this.#guarded(this.#input.write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)));
    const shape = await this.#ask({ predict: { dims, options } });
    const probs = new Float32Array(elementCount(shape));
    await this.#guarded(this.#output.read(new Uint8Array(probs.buffer)));
    return tensor("float32", probs, shape);
  }

  /** Ends the process at once; what it was doing fails with `reason`. Resolves when it is gone. */
  kill(reason: PredictorError): Promise<void> {
    this.#fail(reason);
    this.#process.ref();
    this.#process.kill("SIGKILL");
    return this.#exited;
  }

  /** Lets the process end by itself, which it does when it is not busy. */
  async close(patience: number): Promise<void> {
    this.#fail(new PredictorError("closed", "the predictor is closed"));
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), patience);
    this.#process.ref();
    await this.#exited;
    clearTimeout(timer);
  }

  #ask(message: ToChild): Promise<readonly number[]> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      this.#waiting = { resolve, reject };
      this.#process.ref();
      this.#process.channel?.ref();
      this.#process.send(message, (error) => {
        if (error !== null) this.#fail(new PredictorError("crashed", error.message));
      });
    });
  }

  /** An exchange that counts only while the process runs. */
  async #guarded(exchange: Promise<void>): Promise<void> {
    try {
      await exchange;
    } catch (error) {
      const what = error instanceof Error ? error.message : String(error);
      throw this.#ended ?? new PredictorError("failed", what, { cause: error });
    }
    if (this.#ended !== undefined) throw this.#ended;
  }

  #settle(reply: FromChild): void {
    const waiting = this.#waiting;
    if (waiting === undefined) return;
    this.#waiting = undefined;
    this.#idle();
    if ("dims" in reply) waiting.resolve(reply.dims);
    else waiting.reject(new PredictorError("failed", reply.error));
  }

  #fail(error: PredictorError): void {
    this.#ended ??= error;
    this.#waiting?.reject(this.#ended);
    this.#waiting = undefined;
  }

  /** A process without work does not keep the parent alive. */
  #idle(): void {
    this.#process.unref();
    this.#process.channel?.unref();
  }
}
