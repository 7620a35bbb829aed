import { errorCode, FormatError } from "../../errors.js";
import { type Codestream, codestreamOf, isComplete } from "./codestream.js";
import { unpackExtendedJpeg } from "./extended-jpeg.js";
import { DamagedStream } from "./jpeg-bits.js";
import type { PixelLayout } from "./pixel-layout.js";
import type { Packing, TransferSyntax } from "./transfer-syntax.js";

/** Unpacks the stream of one frame to samples of this machine's byte order. */
type Unpack = (stream: Uint8Array) => Uint8Array;

/** Imports a package; tests hand in one that finds none. */
export type ImportPackage = (name: string) => Promise<unknown>;

/** A package that unpacks, and how it is called. */
interface Codec {
  readonly name: string;
  readonly module: string;
  readonly open: (module: unknown) => Promise<Unpack>;
}

/** The interface that the decoders compiled by Emscripten share. */
interface EmscriptenDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getDecodedBuffer(): Uint8Array;
  delete(): void;
}

const emscripten = (name: string, decoder: string): Codec => ({
  name,
  module: `${name}/decode`,
  open: async (module) => {
    type Print = { print: () => void; printErr: () => void };
    type Factory = (options: Print) => Promise<Record<string, new () => EmscriptenDecoder>>;
    // OpenJPEG prints lines about each stream.
    const silent = { print: () => {}, printErr: () => {} };
    const library = await (module as { default: Factory }).default(silent);
    const Decoder = library[decoder]!;
    return (stream) => {
      const instance = new Decoder();
      try {
        instance.getEncodedBuffer(stream.length).set(stream);
        instance.decode();
        // The library's memory is used again for the next frame.
        return instance.getDecodedBuffer().slice();
      } finally {
        instance.delete();
      }
    };
  },
});

const lossless: Codec = {
  name: "jpeg-lossless-decoder-js",
  module: "jpeg-lossless-decoder-js",
  open: (module) => {
    type Decode = (buffer: ArrayBuffer, offset: number, length: number, width: number) => ArrayBufferView;
    const { Decoder } = module as { Decoder: new () => { decode: Decode; numBytes: number } };
    return Promise.resolve((stream) => {
      const decoder = new Decoder();
      const { buffer, byteOffset, byteLength } = decoder.decode(
        stream.buffer as ArrayBuffer,
        stream.byteOffset,
        stream.length,
        0,
      );
      return new Uint8Array(buffer, byteOffset, byteLength);
    });
  },
};

const codecs: Readonly<Partial<Record<Packing, Codec>>> = {
  jpeg: emscripten("@cornerstonejs/codec-libjpeg-turbo-8bit", "JPEGDecoder"),
  "jpeg-ls": emscripten("@cornerstonejs/codec-charls", "JpegLSDecoder"),
  "jpeg-2000": emscripten("@cornerstonejs/codec-openjpeg", "J2KDecoder"),
  "jpeg-lossless": lossless,
};

const importPackage: ImportPackage = (name) => import(name);

const opened = new Map<Codec, Promise<Unpack>>();

/** Opens the decoder of a packing once per process. */
function openCodec(codec: Codec, load: ImportPackage): Promise<Unpack> {
  if (load !== importPackage) return load(codec.module).then(codec.open);
  const known = opened.get(codec) ?? load(codec.module).then(codec.open);
  opened.set(codec, known);
  // A package that is installed later is found by the next call.
  known.catch(() => opened.delete(codec));
  return known;
}

/** Unpacks the frames of one file. */
export type FrameDecoder = (
  stream: Uint8Array,
  layout: PixelLayout,
  fail: (what: string) => Error,
) => Uint8Array | Promise<Uint8Array>;

/**
 * Returns the decoder of a transfer syntax, which takes the optional package that has it. Throws FormatError,
 * then or at the first frame, with the syntax and the package to install where that is absent.
 */
export function frameDecoder(
  path: string,
  syntax: TransferSyntax,
  load: ImportPackage = importPackage,
): FrameDecoder {
  const { name, uid, packing } = syntax;
  // Extended JPEG has 8 or 12 bits: the package reads the former, and we the latter.
  const codec = codecs[packing === "jpeg-12-bit" ? "jpeg" : packing];
  const title = `transfer syntax ${name} (${uid})`;
  if (!codec) throw new FormatError(path, undefined, `${title} is not read; ${cure}`);
  return async (stream, layout, fail) => {
    const { bits } = checkStream(stream, layout, packing, title, fail);
    if (packing === "jpeg-12-bit" && bits === 12) return unpackTwelveBits(stream, layout, title, fail);
    const unpack = await openCodec(codec, load).catch((error: unknown) => {
      if (!/^(ERR_)?MODULE_NOT_FOUND$/.test(errorCode(error) ?? "")) throw error;
      const what = `${title} needs the package ${codec.name}; install it, or ${cure}`;
      throw new FormatError(path, undefined, what, { cause: error });
    });
    if (!isComplete(stream)) throw fail(`damaged ${name} stream (it has no end)`);
    let bytes: Uint8Array;
    try {
      bytes = unpack(stream);
    } catch (error) {
      const cause = error instanceof Error ? error.message : String(error);
      throw fail(`damaged ${name} stream (${cause.slice(0, 80)})`);
    }
    if (bytes.length !== layout.frameBytes)
      throw fail(`the frame unpacks to ${bytes.length} bytes, expected ${layout.frameBytes}`);
    return bytes;
  };
}

function unpackTwelveBits(
  stream: Uint8Array,
  { columns, rows, samples, frameBytes }: PixelLayout,
  title: string,
  fail: (what: string) => Error,
): Uint8Array {
  if (samples > 1) throw fail(`${title} with colours of 12 bits is not read; ${cure}`);
  if (frameBytes !== 2 * columns * rows) throw fail("the frame's 12 bits need 16 bits of a sample");
  if (!isComplete(stream)) throw fail(`damaged ${title} stream (it has no end)`);
  try {
    return new Uint8Array(unpackExtendedJpeg(stream, columns, rows).buffer);
  } catch (error) {
    if (!(error instanceof DamagedStream)) throw error;
    throw fail(`damaged ${title} stream (${error.message})`);
  }
}

const cure = "store the pixels as Explicit VR Little Endian";

function checkStream(
  stream: Uint8Array,
  { columns, rows, samples, allocated }: PixelLayout,
  packing: Packing,
  title: string,
  fail: (what: string) => Error,
): Codestream {
  const head = codestreamOf(stream);
  if (!head) throw fail("the frame is no JPEG stream");
  const shape = (c: number, r: number, s: number): string => `${c} x ${r} pixels of ${s} samples`;
  if (head.columns !== columns || head.rows !== rows || head.samples !== samples)
    throw fail(
      `the frame's stream has ${shape(head.columns, head.rows, head.samples)}, expected ${shape(columns, rows, samples)}`,
    );
  // The decoder gives such samples one plane after the other.
  if (packing === "jpeg-ls" && head.scanned !== samples)
    throw fail(`${title} with a scan per sample is not read; ${cure}`);
  if (head.bits > allocated)
    throw fail(`the frame's stream has ${head.bits} bits, expected at most ${allocated}`);
  const marker = { "jpeg-ls": head.marker === 0xf7, "jpeg-2000": head.marker === 0x51 };
  const fits =
    packing === "jpeg-lossless"
      ? head.marker === 0xc3
      : packing === "jpeg" || packing === "jpeg-12-bit"
        ? head.marker <= 0xc2
        : marker[packing as keyof typeof marker];
  if (!fits) throw fail(`the frame's stream is not ${title} (marker 0xff${head.marker.toString(16)})`);
  const twelve = packing === "jpeg-12-bit" && head.bits === 12 && head.marker === 0xc1;
  if (/^jpeg(-12-bit)?$/.test(packing) && head.bits !== 8 && !twelve)
    throw fail(`${title} with ${head.bits} bits is not read; ${cure}`);
  return head;
}
