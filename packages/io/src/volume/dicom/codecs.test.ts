import { expect, test } from "vitest";
import { readVolume } from "../read-volume.js";
import { dicomBytes, imageElements, implicitSyntax } from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import { tags } from "./tags.js";

/** The interface of the encoders that come with the decoders. */
interface Encoder {
  getDecodedBuffer(info: object): Uint8Array;
  encode(): void;
  getEncodedBuffer(): Uint8Array;
  setDecompositions?(levels: number): void;
}

// The packages have no types, so that the compiler must not look for them.
const load = (name: string) => import(name) as Promise<{ default: unknown }>;

type Library = Readonly<Record<string, new () => Encoder>>;

/** Packs samples of 12 bits without loss by the encoder of a package. */
async function encoded(name: string, encoder: string): Promise<Uint8Array> {
  const { default: factory } = await load(`@cornerstonejs/codec-${name}`);
  const silent = { print: () => {}, printErr: () => {} };
  const library = await (factory as (options: object) => Promise<Library>)(silent);
  const instance = new library[encoder]!();
  const info = { width: columns, height: rows, componentCount: 1, isSigned: false, bitsPerSample: 12 };
  instance.getDecodedBuffer(info).set(new Uint8Array(ramp.buffer));
  instance.setDecompositions?.(1);
  instance.encode();
  return Uint8Array.from(instance.getEncodedBuffer());
}

const categoryOf = (value: number): number => (value === 0 ? 0 : 32 - Math.clz32(Math.abs(value)));

/** Writes bits, the highest first, as entropy-coded data: 0 after each byte of 255, ones at the end. */
class Bits {
  readonly #bits: number[] = [];

  put(value: number, count: number): void {
    for (let i = count - 1; i >= 0; i--) this.#bits.push((value >> i) & 1);
  }

  /** Writes a difference: its category in 5 bits, and the difference in as many bits as that says. */
  difference(value: number): void {
    const category = categoryOf(value);
    this.put(category, 5);
    if (category < 16) this.put(value < 0 ? value + 2 ** category - 1 : value, category);
  }

  bytes(): number[] {
    while (this.#bits.length % 8 !== 0) this.#bits.push(1);
    const out: number[] = [];
    for (let i = 0; i < this.#bits.length; i += 8) {
      const byte = Number.parseInt(this.#bits.slice(i, i + 8).join(""), 2);
      out.push(...(byte === 255 ? [255, 0] : [byte]));
    }
    return out;
  }
}

/** Returns a JPEG of one component (ITU-T T.81) whose categories have codes of 5 bits. */
function jpeg(marker: number, bits: number, width: number, height: number, scan: number[], body: number[]) {
  const codes = Array.from({ length: marker === 0xc3 ? 17 : 12 }, (_, i) => i);
  const lengths = [0, 0, 0, 0, codes.length, ...new Array<number>(11).fill(0)];
  const table = [0xff, 0xc4, 0, 19 + codes.length, 0, ...lengths, ...codes];
  const size = [height >> 8, height & 255, width >> 8, width & 255];
  const frame = [0xff, marker, 0, 11, bits, ...size, 1, 1, 0x11, 0];
  return Uint8Array.from([0xff, 0xd8, ...frame, ...table, ...scan, ...body, 0xff, 0xd9]);
}

/**
 * Packs samples without loss: each differs from its left neighbour, at the start of a row from the one above,
 * at the first from 2^15.
 */
function losslessJpeg(): Uint8Array {
  const bits = new Bits();
  for (const [i, value] of ramp.entries()) {
    const predicted = i === 0 ? 2 ** 15 : ramp[i % columns === 0 ? i - columns : i - 1]!;
    bits.difference(((value - predicted + 2 ** 15) & 0xffff) - 2 ** 15);
  }
  return jpeg(0xc3, 16, columns, rows, [0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0], bits.bytes());
}

/** Packs blocks of 8 x 8 equal samples, side by side, whose mean is all that their cosines have. */
function baselineJpeg(values: readonly number[]): Uint8Array {
  const bits = new Bits();
  for (const [i, value] of values.entries()) {
    bits.difference(8 * (value - (values[i - 1] ?? 128)));
    bits.put(0, 1);
  }
  const quantisation = [0xff, 0xdb, 0, 67, 0, ...new Array<number>(64).fill(1)];
  // The only code of the other cosines, one bit of 0, ends a block.
  const ends = [0xff, 0xc4, 0, 20, 0x10, 1, ...new Array<number>(15).fill(0), 0];
  const scan = [...quantisation, ...ends, 0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0];
  return jpeg(0xc0, 8, 8 * values.length, 8, scan, bits.bytes());
}

const [columns, rows] = [19, 13];
const ramp = Uint16Array.from({ length: columns * rows }, (_, i) => (i * i * 37) & 0x0fff);

function file(stream: Uint8Array, syntax: string, fields: Parameters<typeof imageElements>[0]): Uint8Array {
  const fragment = stream.length % 2 === 0 ? stream : Uint8Array.from([...stream, 0]);
  const elements = { ...imageElements(fields), [tags.pixels]: ["OB", { fragments: [fragment] }] as const };
  return dicomBytes(elements, { syntax: implicitSyntax + syntax });
}

test.each([
  ["JPEG-LS", ".4.80", () => encoded("charls", "JpegLSEncoder")],
  ["JPEG 2000", ".4.90", () => encoded("openjpeg", "J2KEncoder")],
  ["lossless JPEG", ".4.70", () => Promise.resolve(losslessJpeg())],
])("%s gives the values that were packed; a damaged stream is refused", async (_, syntax, encode) => {
  const fields = { rows, columns, stored: 12 };
  const stream = await encode();
  const volume = await readVolume(file(stream, syntax, fields));
  expect(volume).toMatchObject({ type: "uint16", shape: [columns, rows] });
  expect(volume.data).toEqual(ramp);
  const padded = Uint8Array.from([...stream, 255, 0, 0]);
  expect((await readVolume(file(padded, syntax, fields))).data).toEqual(ramp);
  // Each stream loses its end: none is filled in.
  for (const end of [24, stream.length >> 1, stream.length - 2])
    expect(await refusalOf(file(stream.slice(0, end), syntax, fields))).toContain("frame 1: ");
});

test("JPEG of 8 bits", async () => {
  const values = [3, 250, 128, 77];
  const volume = await readVolume(
    file(baselineJpeg(values), ".4.50", { rows: 8, columns: 32, allocated: 8 }),
  );
  expect(volume.type).toBe("uint8");
  expect([...volume.data]).toEqual(Array.from({ length: 256 }, (_, i) => values[(i % 32) >> 3]));
  const cut = file(baselineJpeg(values).slice(0, -2), ".4.50", { rows: 8, columns: 32, allocated: 8 });
  expect(await refusalOf(cut)).toContain("it has no end");
});
