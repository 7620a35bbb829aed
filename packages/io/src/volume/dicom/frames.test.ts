import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { FormatError } from "../../errors.js";
import { defaultLimits } from "../../limits.js";
import { BytesSource } from "../../regular-file.js";
import { readVolume } from "../read-volume.js";
import { type DicomElements, type DicomValue, dicomBytes, imageElements } from "../testing/dicom-bytes.js";
import { refusalOf } from "../testing/refusal.js";
import { readDicomFile } from "./dicom-file.js";
import { openFrames } from "./frames.js";
import { pixelLayoutOf } from "./pixel-layout.js";
import { unpackRle } from "./rle.js";
import { tags } from "./tags.js";

const root = "1.2.840.10008.1.2";

/** Packs bytes by PackBits, one run or literal at a time. */
function packBits(bytes: Uint8Array): Uint8Array {
  const out: number[] = [];
  for (let at = 0; at < bytes.length; ) {
    let run = 1;
    while (run < 128 && bytes[at + run] === bytes[at]) run++;
    if (run > 1) out.push(257 - run, bytes[at]!);
    else out.push(0, bytes[at]!);
    at += run;
  }
  if (out.length % 2 === 1) out.push(128);
  return Uint8Array.from(out);
}

/** Packs a frame of `width`-byte samples: a segment per byte, the highest first. */
function rleFrame(frame: Uint8Array, width: number, samples: number): Uint8Array {
  const stride = width * samples;
  const segments = Array.from({ length: stride }, (_, segment) => {
    const at = Math.floor(segment / width) * width + (width - 1 - (segment % width));
    return packBits(frame.filter((_, i) => i % stride === at));
  });
  const head = new DataView(new ArrayBuffer(64));
  head.setUint32(0, stride, true);
  let at = 64;
  for (const [i, segment] of segments.entries()) {
    head.setUint32(4 + 4 * i, at, true);
    at += segment.length;
  }
  return new Uint8Array(Buffer.concat([new Uint8Array(head.buffer), ...segments]));
}

const packedFile = (pixels: DicomValue, fields: Parameters<typeof imageElements>[0], syntax: string) =>
  dicomBytes(
    { ...imageElements({ ...fields, pixels }), [tags.pixels]: ["OB", pixels] },
    { syntax: root + syntax },
  );

const ramp = (length: number) => Uint8Array.from({ length }, (_, i) => ((i * 7) >> 3) & 255);

describe("RLE", () => {
  test.each([
    [8, 1],
    [16, 1],
    [32, 1],
    [8, 3],
  ])("%i bits, %i samples", async (allocated, samples) => {
    const size = (6 * samples * allocated) / 8;
    const frames = [ramp(size), ramp(2 * size).slice(size)];
    const fragments = frames.map((frame) => rleFrame(frame, allocated / 8, samples));
    const fields = { allocated, samples, frames: 2, photometric: samples === 3 ? "RGB" : "MONOCHROME2" };
    const packed = await readVolume(packedFile({ fragments }, fields, ".5"));
    const plain = await readVolume(
      dicomBytes(imageElements({ ...fields, pixels: new Uint8Array(Buffer.concat(frames)) })),
    );
    expect(packed.data).toEqual(plain.data);
  });

  test("damage is named", () => {
    const frame = rleFrame(ramp(12), 2, 1);
    const out = new Uint8Array(12);
    expect(unpackRle(frame, out, 2, 1)).toBeUndefined();
    expect(unpackRle(frame, out, 1, 1)).toBe("2 segments, expected 1");
    expect(unpackRle(frame.subarray(0, 20), out, 2, 1)).toContain("less than the head of 64");
    expect(unpackRle(frame.subarray(0, -2), out, 2, 1)).toContain("segment 2 unpacks to");
    const wrong = frame.slice();
    wrong[8] = 255;
    expect(unpackRle(wrong, out, 2, 1)).toContain("segment 1 from byte 64 to 255");
  });

  test("a promise that PackBits cannot keep is refused before memory is taken", async () => {
    const fields = { rows: 60000, columns: 10000, allocated: 8 };
    const file = packedFile({ fragments: [new Uint8Array(64)] }, fields, ".5");
    expect(await refusalOf(file)).toContain("64 packed bytes cannot unpack to 600000000");
  });
});

test("frames packed by deflate, of bytes and of single bits", async () => {
  const frames = [ramp(12), ramp(24).slice(12)];
  const fragments = frames.map((frame) => new Uint8Array(deflateRawSync(frame)));
  const volume = await readVolume(packedFile({ fragments }, { frames: 2 }, ".8.1"));
  expect(new Uint8Array(volume.data.buffer)).toEqual(new Uint8Array(Buffer.concat(frames)));
  const bits = [Uint8Array.of(0b101101), Uint8Array.of(0b010011)];
  const packed = bits.map((frame) => new Uint8Array(deflateRawSync(frame)));
  const single = await readVolume(packedFile({ fragments: packed }, { frames: 2, allocated: 1 }, ".8.1"));
  expect([...single.data]).toEqual([1, 0, 1, 1, 0, 1, 1, 1, 0, 0, 1, 0]);
  const bomb = new Uint8Array(deflateRawSync(new Uint8Array(2 ** 24)));
  expect(await refusalOf(packedFile({ fragments: [bomb] }, {}, ".8.1"))).toContain("damaged deflate stream");
});

describe("fragments", () => {
  /** A JPEG-LS head of 3 x 2 pixels, which `load` turns into a frame of its last bytes. */
  const stream = (fill: number) =>
    Uint8Array.from([
      ...[0xff, 0xd8, 0xff, 0xf7, 0, 11, 16, 0, 2, 0, 3, 1, 1, 0x11, 0],
      ...new Array<number>(13).fill(fill),
      ...[0xff, 0xd9],
    ]);
  class JpegLSDecoder {
    #bytes = new Uint8Array(0);
    getEncodedBuffer(length: number): Uint8Array {
      this.#bytes = new Uint8Array(length);
      return this.#bytes;
    }
    decode(): void {}
    getDecodedBuffer(): Uint8Array {
      return this.#bytes.subarray(-14, -2);
    }
    delete(): void {}
  }
  const load = () => Promise.resolve({ default: () => Promise.resolve({ JpegLSDecoder }) });

  async function frames(pixels: DicomValue, count: number, more: DicomElements = {}): Promise<number[]> {
    const bytes = packedFile(pixels, { frames: count, more }, ".4.80");
    const file = await readDicomFile("a.dcm", new BytesSource(bytes), defaultLimits);
    const layout = pixelLayoutOf(file);
    const opened = await openFrames(file, layout, defaultLimits, load);
    const seen: number[] = [];
    for (let i = 0; i < count; i++) {
      const out = new Uint8Array(12);
      await opened.read(i, out);
      seen.push(out[11]!);
    }
    return seen;
  }
  const halves = (fill: number) => [stream(fill).subarray(0, 20), stream(fill).subarray(20)];

  test("one per frame, several of one frame, by offset tables, and where streams begin", async () => {
    expect(await frames({ fragments: [stream(1), stream(2)] }, 2)).toEqual([1, 2]);
    expect(await frames({ fragments: halves(3) }, 1)).toEqual([3]);
    const fragments = [...halves(4), stream(5)];
    expect(await frames({ fragments, offsets: [0, 46] }, 2)).toEqual([4, 5]);
    expect(await frames({ fragments }, 2)).toEqual([4, 5]);
    expect(await frames({ fragments }, 2, { [tags.extendedOffsets]: ["OV", [0, 46]] })).toEqual([4, 5]);
  });

  test("offsets and fragments that do not agree are refused", async () => {
    const fails = async (pixels: DicomValue, count: number) => {
      const error = await frames(pixels, count).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(FormatError);
      return (error as Error).message;
    };
    const fragments = [...halves(4), stream(5)];
    expect(await fails({ fragments, offsets: [0, 40] }, 2)).toContain("are not those of fragments");
    expect(await fails({ fragments, offsets: [0] }, 2)).toContain("1 offsets of 2 frames");
    expect(await fails({ fragments: [...halves(1), Uint8Array.of(1, 2)] }, 2)).toContain(
      "cannot be told apart",
    );
    expect(await fails({ fragments: [] }, 1)).toContain("there are no fragments");
    expect(await fails({ fragments: [ramp(30)] }, 1)).toContain("is no JPEG stream");
    const other = stream(1);
    other[10] = 9;
    expect(await fails({ fragments: [other] }, 1)).toContain("has 9 x 2 pixels of 1 samples, expected 3 x 2");
  });
});

describe("packages that unpack", () => {
  test.each([
    [".4.50", "JPEG Baseline (Process 1)", "@cornerstonejs/codec-libjpeg-turbo-8bit", 0xc0, 8],
    [".4.70", "JPEG Lossless", "jpeg-lossless-decoder-js", 0xc3, 16],
    [".4.80", "JPEG-LS Lossless", "@cornerstonejs/codec-charls", 0xf7, 16],
  ])(
    "%s without its package: an error with the syntax and what to install",
    async (syntax, name, wanted, marker, bits) => {
      const fragment = Uint8Array.from([0xff, 0xd8, 0xff, marker, 0, 11, bits, 0, 2, 0, 3, 1, 1, 0x11, 0, 0]);
      const bytes = packedFile({ fragments: [fragment] }, {}, syntax);
      const file = await readDicomFile("a.dcm", new BytesSource(bytes), defaultLimits);
      const absent = () => Promise.reject(Object.assign(new Error("none"), { code: "ERR_MODULE_NOT_FOUND" }));
      const opened = await openFrames(file, pixelLayoutOf(file), defaultLimits, absent);
      const error = await opened.read(0, new Uint8Array(12)).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(FormatError);
      expect((error as Error).message).toContain(`transfer syntax ${name}`);
      expect((error as Error).message).toContain(`needs the package ${wanted}; install it`);
    },
  );

  test("colours of JPEG: RGB is refused, as is a scan per sample of JPEG-LS", async () => {
    const head = (marker: number) => [
      0xff,
      0xd8,
      0xff,
      marker,
      0,
      17,
      8,
      0,
      2,
      0,
      3,
      3,
      1,
      17,
      0,
      2,
      17,
      0,
      3,
      17,
      0,
    ];
    const scan = [0xff, 0xda, 0, 8, 1, 1, 0, 0, 0, 0];
    const fields = { samples: 3, allocated: 8, photometric: "RGB" };
    const fragments = [Uint8Array.from([...head(0xc0), ...scan, 0])];
    expect(await refusalOf(packedFile({ fragments }, fields, ".4.50"))).toContain(
      "RGB in a JPEG stream is not read",
    );
    const planes = [Uint8Array.from([...head(0xf7), ...scan, 0])];
    expect(await refusalOf(packedFile({ fragments: planes }, fields, ".4.80"))).toContain(
      "with a scan per sample",
    );
  });

  test("progressive JPEG of 12 bits, and syntaxes that nothing unpacks", async () => {
    const fragment = Uint8Array.from([0xff, 0xd8, 0xff, 0xc2, 0, 11, 12, 0, 2, 0, 3, 1, 1, 0x11, 0, 0]);
    expect(await refusalOf(packedFile({ fragments: [fragment] }, {}, ".4.51"))).toContain(
      "with 12 bits is not read",
    );
    expect(await refusalOf(packedFile({ fragments: [fragment] }, {}, ".4.110"))).toContain(
      "JPEG XL Lossless (1.2.840.10008.1.2.4.110) is not read",
    );
    expect(await refusalOf(packedFile(new Uint8Array(12), {}, ".4.90"))).toContain("expected fragments");
  });
});
