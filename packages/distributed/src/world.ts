import { checkOptions, InvalidArgumentError, invalidArgument, optionNames } from "@pixelcal/core";
import { loadAddon, type MpiAddon } from "./addon.js";
import { MpiError } from "./errors.js";
import { launch } from "./launcher.js";

/** The arrays that `allReduce` sums. */
export type NumberArray = Float32Array | Float64Array | Int32Array;

/** The way in which processes' numbers become one. */
export type Reduction = "sum" | "mean";

export interface WorldOptions {
  /**
   * Seconds after which a process that does not answer, or whose event loop stands still, ends the job; 0
   * waits forever. By default PIXELCAL_HEARTBEAT of the environment, or 8.
   */
  readonly heartbeat?: number;
}

const worldNames = optionNames<WorldOptions>({ heartbeat: true });
export interface AllReduceOptions {
  readonly op: Reduction;
  /** The weight of each rank's numbers in a mean, the same list in every process; all alike by default. */
  readonly weights?: readonly number[];
}

const reduceNames = optionNames<AllReduceOptions>({ op: true, weights: true });

/**
 * The processes of one MPI job (`mpirun`, `srun`), or this process alone. All processes make the same
 * collective calls (all but `rank`, `size`, `deal` and `abort`) in the same order with arrays of the same
 * sizes; a call runs on the MPI thread and leaves the event loop free. Arrays must not be changed, resized
 * or transferred until the promise of their call is settled.
 */
export class World {
  /** This process, from 0. */
  readonly rank: number;
  readonly size: number;
  /** The MPI library and its version; undefined for a process on its own, which loads none. */
  readonly library: string | undefined;
  readonly #addon: MpiAddon | undefined;
  readonly #pulse: NodeJS.Timeout | undefined;
  #queues = 0;
  #working = 0;
  #closed: Promise<void> | undefined;

  private constructor(addon: MpiAddon | undefined, limit: number) {
    this.#addon = addon;
    const { rank, size, library } = started(addon, limit);
    this.rank = rank;
    this.size = size;
    this.library = library;
    if (addon === undefined) return;
    this.#pulse = setInterval(() => addon.alive(), 200);
    this.#pulse.unref();
  }

  /**
   * Starts MPI where a launcher started this process, once in its life; a process on its own is a world of
   * one. Throws `MpiError` where the binding is missing or MPI does not start.
   */
  static open(options: WorldOptions = {}): World {
    checkOptions("options", options, worldNames);
    const limit = heartbeatOf(options);
    const launched = launch();
    if (launched === undefined) return new World(undefined, limit);
    const world = new World(loadAddon(), limit);
    if (world.size !== launched.size) {
      throw new MpiError(
        `${launched.launcher} started ${launched.size} processes, but ${world.library} sees ${world.size}: ` +
          "the launcher and the MPI that the binding was built with are not the same",
      );
    }
    return world;
  }

  /** Returns when every process has called it. */
  async barrier(): Promise<void> {
    await this.#open()?.barrier().catch(failed);
  }

  /** Copies the arrays of process `root` into those of all others, which have the same types and lengths. */
  async broadcast(arrays: readonly ArrayBufferView[], root = 0): Promise<void> {
    checkArrays(arrays, (array) => ArrayBuffer.isView(array), "typed arrays");
    if (!(Number.isInteger(root) && root >= 0 && root < this.size))
      throw invalidArgument("root", `a rank from 0 to ${this.size - 1}`, root);
    await this.#open()?.broadcast(arrays.map(bytesOf), root).catch(failed);
  }

  /**
   * Replaces every element by the sum or the mean of the processes' elements, in place. Each is summed in the
   * order of ranks, in double precision, and rounded once: the same bits in every process and every run of
   * the same number of processes. A process of weight 0 adds nothing, not even a NaN. Sums of int32 that
   * leave its range throw `MpiError` in every process.
   */
  async allReduce(arrays: readonly NumberArray[], options: AllReduceOptions): Promise<void> {
    checkOptions("options", options, reduceNames);
    const { op } = options;
    if (op !== "sum" && op !== "mean") throw invalidArgument("op", "sum or mean", op);
    checkArrays(arrays, isNumberArray, "Float32Array, Float64Array or Int32Array");
    if (op === "mean" && arrays.some((array) => array instanceof Int32Array))
      throw new InvalidArgumentError("op", "op: expected sum for int32, whose means are no integers");
    const weights = this.#weightsOf(options);
    const addon = this.#open();
    if (addon === undefined) return;
    for (const type of [Float32Array, Float64Array, Int32Array]) {
      const alike = arrays.filter((array) => array instanceof type);
      if (alike.length > 0) await addon.allReduce(alike, weights).catch(failed);
    }
  }

  /** Returns the bytes of every process by rank, in process 0; undefined in the others. */
  async gather(bytes: Uint8Array): Promise<readonly Uint8Array[] | undefined> {
    if (!(bytes instanceof Uint8Array)) throw invalidArgument("bytes", "a Uint8Array", bytes);
    const addon = this.#open();
    return addon === undefined ? [bytes.slice()] : addon.gather(bytes).catch(failed);
  }

  /** Returns the values of all processes, which JSON can hold, by rank, in every process. */
  async allGather<T>(own: T): Promise<readonly T[]> {
    const text = JSON.stringify(own);
    if (text === undefined) throw invalidArgument("own", "a value that JSON can hold", own);
    const parts = await this.gather(Buffer.from(text));
    const list = parts && Buffer.from(`[${parts.map((part) => Buffer.from(part).toString()).join(",")}]`);
    const length = Float64Array.of(list?.length ?? 0);
    await this.broadcast([length]);
    const bytes = list ?? Buffer.alloc(length[0]!);
    await this.broadcast([bytes]);
    return JSON.parse(bytes.toString());
  }

  /**
   * Deals out the numbers from 0 to `count` - 1, each to the process that is free next, in rising order. All
   * processes call it in the same order of calls.
   */
  async *deal(count: number): AsyncGenerator<number, void> {
    if (!(Number.isSafeInteger(count) && count >= 0))
      throw invalidArgument("count", "an integer of 0 or more", count);
    const addon = this.#open();
    const queue = this.#queues++;
    for (let own = 0; ; own++) {
      const next = addon === undefined ? own : await addon.take(queue).catch(failed);
      if (next >= count) return;
      yield next;
    }
  }

  /**
   * Returns the result of `work`, during which the event loop may stand still for longer than the heartbeat,
   * as it does in a network's step. That this process lives is watched all the same.
   */
  async working<T>(work: () => Promise<T>): Promise<T> {
    const addon = this.#open();
    if (this.#working++ === 0) addon?.working(true);
    try {
      return await work();
    } finally {
      if (--this.#working === 0 && this.#closed === undefined) addon?.working(false);
    }
  }

  /** Ends every process of the job with an exit code, at once. */
  abort(code = 1): never {
    if (!(Number.isInteger(code) && code >= 1 && code <= 255))
      throw invalidArgument("code", "an exit code from 1 to 255", code);
    if (this.#addon !== undefined && this.#closed === undefined) this.#addon.abort(code);
    process.exit(code);
  }

  /** Waits for all processes and ends MPI, which cannot start again in this process. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      clearInterval(this.#pulse);
      // The others may come late; nobody needs this event loop any more.
      this.#addon?.working(true);
      await this.#addon?.finish();
    })();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Returns the weights of a mean; none for a sum. */
  #weightsOf({ op, weights }: AllReduceOptions): readonly number[] {
    if (weights === undefined) return op === "mean" ? Array<number>(this.size).fill(1) : [];
    const fits = Array.isArray(weights) && weights.every((weight) => Number.isFinite(weight) && weight >= 0);
    if (op !== "mean") throw new InvalidArgumentError("weights", "weights: only for op mean");
    if (!fits || weights.length !== this.size || !weights.some((weight) => weight > 0))
      throw invalidArgument("weights", `${this.size} numbers of 0 or more, one above 0`, weights);
    return weights;
  }

  #open(): MpiAddon | undefined {
    if (this.#closed !== undefined) throw new MpiError("the world is closed");
    return this.#addon;
  }
}

function started(
  addon: MpiAddon | undefined,
  limit: number,
): { readonly rank: number; readonly size: number; readonly library?: string } {
  if (addon === undefined) return { rank: 0, size: 1 };
  try {
    return addon.start(limit * 1000);
  } catch (cause) {
    return failed(cause as Error);
  }
}

function heartbeatOf({ heartbeat }: WorldOptions): number {
  const named = process.env.PIXELCAL_HEARTBEAT;
  const seconds = heartbeat ?? (named === undefined || named === "" ? 8 : Number(named));
  if (seconds === 0 || (seconds >= 1 && seconds <= 86_400)) return seconds;
  throw invalidArgument(
    heartbeat === undefined ? "PIXELCAL_HEARTBEAT" : "heartbeat",
    "seconds from 1 to 86400, or 0",
    heartbeat ?? named,
  );
}

function failed(cause: Error): never {
  throw new MpiError(cause.message, { cause });
}

const isNumberArray = (array: unknown): boolean =>
  array instanceof Float32Array || array instanceof Float64Array || array instanceof Int32Array;

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

function checkArrays(arrays: readonly unknown[], fits: (array: unknown) => boolean, expected: string): void {
  if (!Array.isArray(arrays)) throw invalidArgument("arrays", `a list of ${expected}`, arrays);
  const wrong = arrays.findIndex((array) => !fits(array));
  if (wrong >= 0) throw invalidArgument(`arrays[${wrong}]`, expected, arrays[wrong]);
}
