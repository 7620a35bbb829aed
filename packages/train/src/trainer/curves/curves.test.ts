import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { EpochRecord } from "../epoch-record.js";
import { colours } from "./drawing.js";
import { glyphOf } from "./font.js";
import { learningCurves } from "./learning-curves.js";
import { pngOf } from "./png.js";
import { svgOf } from "./svg.js";
import { appendEvents, crc32c, eventFile, writeEvents } from "./tensorboard.js";

const record = (epoch: number): EpochRecord => ({
  epoch,
  learningRate: 0.01 / epoch,
  trainLoss: 1 / epoch,
  trainTerms: { dice: 0.5 },
  validationLoss: 1.5 / epoch,
  validationDice: 1 - 0.5 / epoch,
  validationNll: 0.3,
  validationEce: 0.1,
  validationPece: 0.2,
  validationClasses: { dice: [0.9, epoch === 2 ? null : 0.4], ece: [0.1, null], pece: [0.2, 0.2] },
});
const history = [1, 2, 3, 4, 5].map(record);

describe("learning curves", () => {
  test("have a panel for the losses and each score, and break where a class has none", () => {
    const { width, height, marks } = learningCurves(history);
    expect([width, height]).toEqual([800, 720]);
    const texts = marks.flatMap((mark) => ("text" in mark ? [mark.text] : []));
    for (const title of [
      "loss",
      "validation dice",
      "validation nll",
      "validation ece",
      "validation pece",
      "learning rate",
    ])
      expect(texts).toContain(title);
    const faint = marks.flatMap((mark) =>
      "line" in mark && mark.colour === "faint" ? [mark.line.length] : [],
    );
    // The Dice of class 1 is known in the first epoch and from the third; its ECE never.
    expect(faint).toEqual([5, 2, 3, 5, 5, 5]);
  });

  test("of a training without validation are the loss and the rate, of one epoch too", () => {
    const [{ epoch, learningRate, trainLoss, trainTerms }] = history as [EpochRecord];
    const { width, height, marks } = learningCurves([{ epoch, learningRate, trainLoss, trainTerms }]);
    expect([width, height]).toEqual([800, 240]);
    expect(
      marks.flat().every((mark) => ("line" in mark ? mark.line.flat() : mark.at).every(Number.isFinite)),
    ).toBe(true);
  });

  test("stay inside the picture", () => {
    const { width, height, marks } = learningCurves(history);
    const points = marks.flatMap((mark) => ("line" in mark ? mark.line : [mark.at]));
    expect(points.every(([x, y]) => x >= 0 && x <= width && y >= 0 && y <= height)).toBe(true);
  });

  test("are the same lines as vectors and as pixels, and the same bytes every time", async () => {
    const drawing = learningCurves(history);
    const svg = svgOf(drawing);
    expect(svg).toBe(svgOf(learningCurves(history)));
    expect(svg.match(/<polyline/g)).toHaveLength(drawing.marks.filter((mark) => "line" in mark).length);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    const png = await pngOf(drawing);
    expect(Buffer.from(await pngOf(drawing)).equals(png)).toBe(true);
    const { palette, pixels } = decoded(Buffer.from(png), drawing.width);
    const colourAt = (x: number, y: number): string => palette[pixels[Math.round(y)]![Math.round(x)]!]!;
    const blue = drawing.marks.find((mark) => "line" in mark && mark.colour === "first");
    if (blue === undefined || !("line" in blue)) throw new Error("no line");
    for (const [x, y] of blue.line.slice(1)) expect(colourAt(x, y)).toBe(colours.first);
    expect(colourAt(1, 1)).toBe(colours.paper);
  });

  test("every letter of their texts has a glyph", () => {
    const texts = learningCurves(history).marks.flatMap((mark) => ("text" in mark ? [...mark.text] : []));
    expect([...new Set(texts)].filter((letter) => letter !== " " && glyphOf(letter).length === 0)).toEqual(
      [],
    );
  });
});

/** Decodes an 8-bit PNG with a palette whose rows may have any filter. */
function decoded(png: Buffer, width: number): { palette: string[]; pixels: Uint8Array[] } {
  const chunks: Record<string, Buffer[]> = {};
  for (let at = 8; at < png.length; ) {
    const length = png.readUInt32BE(at);
    (chunks[png.toString("latin1", at + 4, at + 8)] ??= []).push(png.subarray(at + 8, at + 8 + length));
    at += 12 + length;
  }
  const rgb = Buffer.concat(chunks.PLTE!);
  const palette = Array.from(
    { length: rgb.length / 3 },
    (_, i) => `#${rgb.toString("hex", 3 * i, 3 * i + 3)}`,
  );
  const raw = inflateSync(Buffer.concat(chunks.IDAT!));
  const pixels: Uint8Array[] = [];
  for (let at = 0; at < raw.length; at += width + 1) {
    const [filter, row] = [raw[at]!, Uint8Array.from(raw.subarray(at + 1, at + 1 + width))];
    const above = pixels.at(-1) ?? new Uint8Array(width);
    for (let x = 0; x < width; x++) {
      const [left, up, corner] = [row[x - 1] ?? 0, above[x]!, x > 0 ? above[x - 1]! : 0];
      const p = left + up - corner;
      const near = [left, up, corner].sort((a, b) => Math.abs(p - a) - Math.abs(p - b))[0]!;
      row[x]! += [0, left, up, (left + up) >> 1, near][filter]!;
    }
    pixels.push(row);
  }
  return { palette, pixels };
}

describe("TensorBoard's events", () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "events-"));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test("have the scalars of every epoch, appended as written together", async () => {
    await writeEvents(folder, history.slice(0, 3));
    for (const one of history.slice(3)) await appendEvents(folder, one);
    const bytes = await readFile(join(folder, eventFile));
    await writeEvents(folder, history);
    expect((await readFile(join(folder, eventFile))).equals(bytes)).toBe(true);
    const [first, ...events] = records(bytes).map(event);
    expect(first).toEqual({ version: "brain.Event:2", step: 0, scalars: {} });
    expect(events.map(({ step }) => step)).toEqual([1, 2, 3, 4, 5]);
    expect(events[1]!.scalars).toEqual({
      learning_rate: Math.fround(0.005),
      "train/loss": 0.5,
      "train/dice": 0.5,
      "validation/loss": 0.75,
      "validation/dice": 0.75,
      "validation/nll": Math.fround(0.3),
      "validation/ece": Math.fround(0.1),
      "validation/pece": Math.fround(0.2),
      "validation_dice/class_0": Math.fround(0.9),
      "validation_ece/class_0": Math.fround(0.1),
      "validation_pece/class_0": Math.fround(0.2),
      "validation_pece/class_1": Math.fround(0.2),
    });
  });

  test("have Castagnoli's checksum", () => expect(crc32c(Buffer.from("123456789"))).toBe(0xe3069283));
});

/** Reads the frames of an event file and checks their checksums. */
function records(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  const masked = (part: Buffer): number => {
    const crc = BigInt(crc32c(part));
    return Number(((((crc >> 15n) | (crc << 17n)) % 2n ** 32n) + 0xa282ead8n) % 2n ** 32n);
  };
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 8)).toBe(masked(bytes.subarray(at, at + 8)));
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(masked(data));
    found.push(data);
    at += length + 16;
  }
  return found;
}

/** Reads the fields of a protobuf message: numbers, and bytes of nested ones. */
function fields(bytes: Buffer): [field: number, value: number | Buffer][] {
  const found: [number, number | Buffer][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = bytes[at++]!;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const field = key >> 3;
    if ((key & 7) === 0) found.push([field, varint()]);
    else if ((key & 7) === 1) found.push([field, bytes.readDoubleLE((at += 8) - 8)]);
    else if ((key & 7) === 5) found.push([field, bytes.readFloatLE((at += 4) - 4)]);
    else {
      const length = varint();
      found.push([field, bytes.subarray(at, (at += length))]);
    }
  }
  return found;
}

function event(bytes: Buffer): { version?: string; step: number; scalars: Record<string, number> } {
  const all = fields(bytes);
  const of = (field: number): number | Buffer | undefined => all.find(([one]) => one === field)?.[1];
  const scalars: Record<string, number> = {};
  for (const [, value] of fields((of(5) as Buffer | undefined) ?? Buffer.alloc(0))) {
    const [[, tag], [, number]] = fields(value as Buffer) as [[number, Buffer], [number, number]];
    scalars[tag.toString()] = number;
  }
  const version = of(3)?.toString();
  return { ...(version !== undefined && { version }), step: (of(2) as number | undefined) ?? 0, scalars };
}
