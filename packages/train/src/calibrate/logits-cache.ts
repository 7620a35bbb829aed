import { type FileHandle, open, rm } from "node:fs/promises";
import {
  type CalibrationCase,
  type CalibrationCases,
  elementCount,
  InvalidArgumentError,
  invalidArgument,
  type Labels,
  type SignalOption,
  sameDims,
} from "@pixelcal/core";

type LabelData = Labels["data"];

/** Where a case lies in the file. */
interface Place {
  readonly at: number;
  readonly dims: readonly number[];
  readonly labels: Labels["type"];
  readonly spacing?: readonly number[];
  readonly group?: string;
}

const labelArrays = { uint8: Uint8Array, int32: Int32Array, int64: BigInt64Array } as const;

/**
 * Logits and labels of cases in one file, written once and read back one case at a time into the same memory:
 * a fit of any size takes the memory of its largest case.
 */
export class LogitsCache implements CalibrationCases, AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #places: Place[] = [];
  #end = 0;
  #memory = new ArrayBuffer(0);

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** Makes an empty cache in a new file. */
  static async create(path: string): Promise<LogitsCache> {
    return new LogitsCache(path, await open(path, "wx+"));
  }

  get count(): number {
    return this.#places.length;
  }

  /** Writes a case behind the others. */
  async append({ logits, labels, spacing, group }: CalibrationCase): Promise<void> {
    if (logits.type !== "float32") throw invalidArgument("logits", "float32", logits.type);
    if (!Object.hasOwn(labelArrays, labels.type))
      throw invalidArgument("labels", Object.keys(labelArrays).join(", "), labels.type);
    if (!sameDims(labels.dims, logits.dims.toSpliced(1, 1)))
      throw invalidArgument("labels", `[${logits.dims.toSpliced(1, 1).join(", ")}]`, labels.dims);
    const at = this.#end;
    for (const { data } of [logits, labels]) {
      await this.#write(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    }
    this.#places.push({ at, dims: logits.dims, labels: labels.type, spacing, group });
  }

  async #write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, this.#end);
      done += bytesWritten;
      this.#end += bytesWritten;
    }
  }

  /** Reads a case into memory that the next call takes again. */
  async read(index: number, { signal }: SignalOption = {}): Promise<CalibrationCase> {
    const place = this.#places[index];
    if (place === undefined) throw invalidArgument("index", `an integer below ${this.count}`, index);
    const { at, dims, labels, spacing, group } = place;
    const pixels = elementCount(dims.toSpliced(1, 1));
    const logitBytes = 4 * elementCount(dims);
    const total = logitBytes + pixels * labelArrays[labels].BYTES_PER_ELEMENT;
    // Labels of 8 bytes begin at a multiple of 8 in memory, wherever they lie in the file.
    const shift = logitBytes % 8;
    if (this.#memory.byteLength < total + shift) this.#memory = new ArrayBuffer(total + shift);
    const bytes = new Uint8Array(this.#memory);
    await this.#fill(bytes.subarray(0, logitBytes), at, signal);
    await this.#fill(bytes.subarray(logitBytes + shift, total + shift), at + logitBytes, signal);
    const data = new labelArrays[labels](this.#memory, logitBytes + shift, pixels) as LabelData;
    return {
      logits: { type: "float32", dims, data: new Float32Array(this.#memory, 0, logitBytes / 4) },
      labels: { type: labels, dims: dims.toSpliced(1, 1), data } as Labels,
      ...(spacing && { spacing }),
      ...(group !== undefined && { group }),
    };
  }

  async #fill(bytes: Uint8Array, at: number, signal: AbortSignal | undefined): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      signal?.throwIfAborted();
      const length = Math.min(bytes.length - done, 1 << 26);
      const { bytesRead } = await this.#file.read(bytes, done, length, at + done);
      if (bytesRead === 0) throw new InvalidArgumentError("cases", `${this.path}: ends too early`);
      done += bytesRead;
    }
  }

  /** Closes the file and removes it, unless it is to be kept. */
  async close({ keep = false }: { readonly keep?: boolean } = {}): Promise<void> {
    await this.#file.close();
    if (!keep) await rm(this.path, { force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
