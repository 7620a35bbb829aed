import type { Field, Message, Table } from "./wire.js";

/** Blocks from this size on are handed on as they are; smaller ones are copied together. */
const large = 4096;

/** Collects bytes; large blocks are referred to, not copied. */
class Writer {
  readonly chunks: Uint8Array[] = [];
  length = 0;
  #small = Buffer.allocUnsafeSlow(256);
  #used = 0;

  #room(count: number): void {
    if (this.#used + count <= this.#small.length) return;
    this.flush();
    this.#small = Buffer.allocUnsafeSlow(Math.max(count, 1024));
  }

  flush(): void {
    if (this.#used === 0) return;
    this.chunks.push(this.#small.subarray(0, this.#used));
    this.#small = this.#small.subarray(this.#used);
    this.#used = 0;
  }

  varint(low: number, high = 0): void {
    this.#room(10);
    const start = this.#used;
    while (high !== 0 || low > 0x7f) {
      this.#small[this.#used++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#small[this.#used++] = low;
    this.length += this.#used - start;
  }

  /** Writes a signed number; beyond 64 bits it becomes the nearest that fits. */
  int(value: number | bigint): void {
    const limit = 2n ** 63n;
    const whole = typeof value === "bigint" ? value : BigInt(Math.trunc(value));
    const fitting = whole >= limit ? limit - 1n : whole < -limit ? -limit : whole;
    const bits = BigInt.asUintN(64, fitting);
    this.varint(Number(bits & 0xffffffffn), Number(bits >> 32n));
  }

  float(value: number): void {
    this.#room(4);
    this.#small.writeFloatLE(value, this.#used);
    this.#used += 4;
    this.length += 4;
  }

  raw(bytes: Uint8Array): void {
    this.length += bytes.length;
    if (bytes.length >= large) {
      this.flush();
      this.chunks.push(bytes);
      return;
    }
    this.#room(bytes.length);
    this.#small.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  append(other: Writer): void {
    other.flush();
    for (const chunk of other.chunks) this.raw(chunk);
  }

  block(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.raw(bytes);
  }
}

const bytesOf = (array: Float32Array | Float64Array): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

function writeField(writer: Writer, number: number, field: Field, value: unknown): void {
  const tag = (wire: number): void => writer.varint(((number << 3) | wire) >>> 0);
  switch (field.kind) {
    case "int":
      tag(0);
      writer.int(value as number);
      break;
    case "float":
      tag(5);
      writer.float(value as number);
      break;
    case "string":
      tag(2);
      writer.block(Buffer.from(value as string, "utf8"));
      break;
    case "bytes":
      tag(2);
      writer.block(value as Uint8Array);
      break;
    case "ints":
      writeInts(writer, tag, value as Iterable<number | bigint>, field.packed ?? false);
      break;
    case "floats":
      if (field.packed) {
        tag(2);
        writer.block(bytesOf(value as Float32Array));
        break;
      }
      for (const item of value as Iterable<number>) {
        tag(5);
        writer.float(item);
      }
      break;
    case "doubles":
      tag(2);
      writer.block(bytesOf(value as Float64Array));
      break;
    case "strings":
      for (const item of value as readonly string[]) {
        tag(2);
        writer.block(Buffer.from(item, "utf8"));
      }
      break;
    case "message":
    case "messages":
      for (const item of (field.kind === "message" ? [value] : value) as readonly Message[]) {
        const inner = new Writer();
        writeMessage(inner, field.table!(), item);
        tag(2);
        writer.varint(inner.length);
        writer.append(inner);
      }
  }
}

function writeInts(
  writer: Writer,
  tag: (wire: number) => void,
  values: Iterable<number | bigint>,
  packed: boolean,
): void {
  if (!packed) {
    for (const value of values) {
      tag(0);
      writer.int(value);
    }
    return;
  }
  const inner = new Writer();
  for (const value of values) inner.int(value);
  tag(2);
  writer.varint(inner.length);
  writer.append(inner);
}

function writeMessage(writer: Writer, table: Table, message: Message): void {
  // Object keys that are numbers come in ascending order: the order of field numbers,
  // whatever the message's own order.
  for (const [number, field] of Object.entries(table)) {
    const value = message[field.name];
    if (value !== undefined) writeField(writer, Number(number), field, value);
  }
  for (const bytes of message.unknown ?? []) writer.raw(bytes);
}

/**
 * Encodes a message, fields in the order of their numbers; the same message gives the same bytes.
 * Large blocks are not copied.
 */
export function encode(table: Table, message: Message): Uint8Array[] {
  const writer = new Writer();
  writeMessage(writer, table, message);
  writer.flush();
  return writer.chunks;
}
