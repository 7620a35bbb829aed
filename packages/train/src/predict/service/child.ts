// The program of a predictor's child process: answers one request after another until its parent has ended.
import { fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Tensor, tensor, zeros } from "@pixelcal/core";
import { OnnxFile } from "@pixelcal/graph";
import { readRegularFileSync } from "@pixelcal/io";
import { normalizeImage } from "../../preparation/normalize.js";
import { type Preparation, preparationOf } from "../../preparation/preparation.js";
import { SerialQueue } from "../../runtime/serial-queue.js";
import { Network } from "../network.js";
import { type PredictOptions, predictBatch } from "../predict.js";
import { imageBytes, toFloat32 } from "./images.js";
import { type ChildModel, exchangeFiles, type FromChild, type ToChild } from "./protocol.js";

let network: Network | undefined;
let preparation: Preparation | undefined;

/**
 * Reads the input file, whose size must be the message's `length`: no byte of another request is ever read.
 */
function read(length: number): Uint8Array<ArrayBuffer> {
  const { size } = fstatSync(exchangeFiles.input);
  if (size !== length) throw new Error(`the input file has ${size} bytes, the message says ${length}`);
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; ) {
    const count = readSync(exchangeFiles.input, bytes, at, Math.min(length - at, 2 ** 30), at);
    if (count === 0) throw new Error(`the input file ends after ${at} of ${length} bytes`);
    at += count;
  }
  return bytes;
}

function write({ data }: Tensor<"float32">, offset: number): number {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  for (let at = 0; at < bytes.length; ) {
    at += writeSync(exchangeFiles.output, bytes, at, Math.min(bytes.length - at, 2 ** 30), offset + at);
  }
  return offset + bytes.length;
}

async function open({ model, warmUps, options, preparation: how, ...rest }: ChildModel): Promise<FromChild> {
  const bytes = typeof model === "string" ? readRegularFileSync(model) : read(model);
  const folder = typeof model === "string" ? { externalData: dirname(model) } : {};
  const file = new OnnxFile(bytes);
  if (how === "file") preparation = preparationOf(file);
  network = new Network({ ...folder, ...rest, model: file });
  for (const dims of warmUps) await probabilities(zeros("float32", dims), options);
  return { dims: [], ...(how === "file" && preparation === undefined && { unprepared: true }) };
}

/** Predicts images, passes their probabilities to `give` in pieces, and returns the dims of all together. */
async function probabilities(
  images: Tensor<"float32">,
  options: PredictOptions,
  give?: (probs: Tensor<"float32">) => void,
): Promise<readonly number[]> {
  let dims: readonly number[] = [];
  for await (const piece of predictBatch(network!, images, options)) {
    give?.(piece);
    dims = [images.dims[0]!, ...piece.dims.slice(1)];
  }
  return dims;
}

/** Returns images [N, C, ...spatial], each normalised by itself as the model's file says. */
async function prepared(images: Tensor<"float32">): Promise<Tensor<"float32">> {
  if (preparation === undefined) return images;
  const [count = 0, ...dims] = images.dims;
  const size = images.data.length / count;
  const out = new Float32Array(images.data.length);
  for (let n = 0; n < count; n++) {
    const image = tensor("float32", images.data.subarray(n * size, (n + 1) * size), dims);
    out.set((await normalizeImage(image, preparation.normalization)).data, n * size);
  }
  return tensor("float32", out, images.dims);
}

async function answer(message: ToChild): Promise<FromChild> {
  if ("open" in message) return open(message.open);
  const { type, dims, bytes: length, options, scaling } = message.predict;
  if (length !== imageBytes(type, dims)) throw new Error(`[${dims}] of ${type} are not ${length} bytes`);
  const pixels = toFloat32(read(length), type, dims, scaling);
  ftruncateSync(exchangeFiles.output, 0);
  let end = 0;
  const images = await prepared(tensor("float32", pixels, dims));
  const all = await probabilities(images, options, (probs) => {
    end = write(probs, end);
  });
  return { dims: all };
}

const queue = new SerialQueue();
process.on("message", (message: ToChild) => {
  void queue.run(async () => {
    process.send?.({ begun: true } satisfies FromChild);
    const reply = await answer(message).catch(
      (error: unknown): FromChild => ({ error: error instanceof Error ? error.message : String(error) }),
    );
    process.send?.(reply);
  });
});
// However the parent ended, the child exits too.
process.on("disconnect", () => process.exit(0));
// Ctrl-C in a terminal reaches the whole process group; the parent decides when the child exits.
process.on("SIGINT", () => undefined);
