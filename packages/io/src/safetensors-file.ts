import { type DataType, elementCount, invalidArgument, type Tensor, tensor } from "@pixelcal/core";
import { FormatError } from "./errors.js";
import { defaultLimits } from "./limits.js";
import { RegularFile } from "./regular-file.js";
import { type Fail, type Index, readHead, type Slot } from "./safetensors.js";

/**
 * A .safetensors file that is open: its arrays are read in parts, of which alone memory is taken. A checksum
 * is not verified, which takes all bytes (`verifySafetensors`).
 */
export class SafetensorsFile implements AsyncDisposable {
  readonly metadata: Readonly<Record<string, string>>;
  /** The dims of every array. */
  readonly dims: Readonly<Record<string, readonly number[]>>;
  readonly #file: RegularFile;
  readonly #slots: ReadonlyMap<string, Slot>;
  readonly #data: number;

  private constructor(file: RegularFile, { slots, metadata }: Index, data: number) {
    this.#file = file;
    this.#slots = new Map(slots.map((slot) => [slot.name, slot]));
    this.#data = data;
    this.metadata = metadata;
    this.dims = Object.fromEntries(slots.map(({ name, shape }) => [name, shape]));
  }

  /** Opens a file and reads its head. Throws FormatError. */
  static async open(path: string): Promise<SafetensorsFile> {
    const bounds = { ...defaultLimits, maxFile: Number.POSITIVE_INFINITY };
    const fail: Fail = (key, what) => new FormatError(path, key, what);
    const file = await RegularFile.open(path, bounds);
    try {
      const { head, index } = await readHead(file, bounds, fail);
      return new SafetensorsFile(file, index, head.length);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /**
   * Reads the box of an array that begins at `origin` and has `size` per axis. Of every plane that it touches
   * its rows are read at once, with what lies between them. Throws InvalidArgumentError for a box that does
   * not lie inside, FormatError for a file without the array.
   */
  async readPart(name: string, origin: readonly number[], size: readonly number[]): Promise<Tensor> {
    const slot = this.#slots.get(name);
    if (slot === undefined) throw new FormatError(this.#file.path, name, "no such array");
    const { kind, shape } = slot;
    const inside =
      origin.length === shape.length &&
      size.length === shape.length &&
      shape.every((n, axis) => origin[axis]! >= 0 && size[axis]! >= 1 && origin[axis]! + size[axis]! <= n);
    if (!inside) throw invalidArgument("size", `a box inside of [${shape}]`, `[${size}] at [${origin}]`);
    const out = new Uint8Array(elementCount(size) * kind.bytes);
    // Axes that are read whole make longer rows of the axis before them.
    let last = Math.max(0, shape.length - 1);
    while (last > 0 && size[last] === shape[last]) last--;
    const inner = elementCount(shape.slice(last + 1)) * kind.bytes;
    const row = { from: (origin[last] ?? 0) * inner, length: (size[last] ?? 1) * inner };
    const stride = (shape[last] ?? 1) * inner;
    const [first, rows] = last === 0 ? [0, 1] : [origin[last - 1]!, size[last - 1]!];
    const planeRows = last === 0 ? 1 : shape[last - 1]!;
    const outer = size.slice(0, Math.max(0, last - 1));
    const planes = elementCount(outer);
    const span = new Uint8Array(row.length === stride || rows === 1 ? 0 : (rows - 1) * stride + row.length);
    for (let p = 0; p < planes; p++) {
      const at =
        this.#data + slot.begin + (planeAt(p, outer, origin, shape) * planeRows + first) * stride + row.from;
      const target = out.subarray(p * rows * row.length, (p + 1) * rows * row.length);
      if (span.length === 0) {
        await this.#file.readInto(at, target);
        continue;
      }
      await this.#file.readInto(at, span);
      for (let r = 0; r < rows; r++)
        target.set(span.subarray(r * stride, r * stride + row.length), r * row.length);
    }
    return tensor<DataType>(kind.type, kind.view(out.buffer, 0, elementCount(size)), size);
  }

  close(): Promise<void> {
    return this.#file.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Returns the number of the `p`-th plane of a box among all planes of an array. */
function planeAt(
  p: number,
  outer: readonly number[],
  origin: readonly number[],
  shape: readonly number[],
): number {
  let [rest, at, stride] = [p, 0, 1];
  for (let axis = outer.length - 1; axis >= 0; axis--) {
    at += (origin[axis]! + (rest % outer[axis]!)) * stride;
    rest = Math.floor(rest / outer[axis]!);
    stride *= shape[axis]!;
  }
  return at;
}
