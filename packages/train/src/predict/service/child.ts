// The program of a predictor's child process: answers one request after another until its parent has ended.
import { fstatSync, ftruncateSync, readSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { type Tensor, tensor, zeros } from "@pixelcal/core";
import { OnnxFile } from "@pixelcal/graph";
import { readRegularFileSync } from "@pixelcal/io";
import { carriedTile } from "../../model/carried-tile.js";
import { normalizeImage } from "../../preparation/normalize.js";
import { type Preparation, preparationOf } from "../../preparation/preparation.js";
import { SerialQueue } from "../../runtime/serial-queue.js";
import { Network } from "../network.js";
import { predictBatch } from "../predict.js";
import { predictCase } from "../predict-case.js";
import { imageBytes, toFloat32 } from "./images.js";
import {
  type ChildModel,
  type ChildRequest,
  exchangeFiles,
  type FromChild,
  type ToChild,
} from "./protocol.js";

type Settings = Pick<ChildRequest, "options" | "spacing">;

let network: Network | undefined;
let preparation: Preparation | undefined;
/** Whether each image gets a size of its own before it is predicted. */
let separate = false;

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
  const spacing = preparation?.spacing;
  separate = preparation?.crop === true || spacing !== undefined;
  network = new Network({ ...folder, ...rest, model: file });
  const tile = carriedTile(file);
  const { tile: given = tile } = options;
  const taken = { ...options, tile: given };
  // One image compiles what several do that are predicted one by one.
  const trials = separate || given !== undefined ? warmUps.slice(0, 1) : warmUps;
  for (const dims of trials) await probabilities(zeros("float32", dims), { options: taken, spacing });
  const unprepared = how === "file" && preparation === undefined;
  return {
    dims: [],
    carried: {
      ...(unprepared && { unprepared }),
      ...(separate && { separate }),
      ...(spacing && { spacing }),
      ...(tile && { tile }),
    },
  };
}

/** Yields probabilities [n, classes, ...spatial] of stored images [N, C, ...spatial], in order. */
async function* pieces(
  images: Tensor<"float32">,
  { options, spacing }: Settings,
): AsyncGenerator<Tensor<"float32">> {
  if (!separate) {
    yield* predictBatch(network!, await normalized(images), options);
    return;
  }
  for (const image of each(images)) {
    const { data, dims } = await predictCase([{ model: network!, preparation }], { image, spacing }, options);
    yield tensor("float32", data, [1, ...dims]);
  }
}

/** Predicts images, passes their probabilities to `give` in pieces, and returns the dims of all together. */
async function probabilities(
  images: Tensor<"float32">,
  settings: Settings,
  give?: (probs: Tensor<"float32">) => void,
): Promise<readonly number[]> {
  let dims: readonly number[] = [];
  for await (const piece of pieces(images, settings)) {
    give?.(piece);
    dims = [images.dims[0]!, ...piece.dims.slice(1)];
  }
  return dims;
}

/** Yields the images [C, ...spatial] of [N, C, ...spatial]. */
function* each({ data, dims }: Tensor<"float32">): Generator<Tensor<"float32">> {
  const [count = 0, ...own] = dims;
  const size = data.length / count;
  for (let n = 0; n < count; n++) yield tensor("float32", data.subarray(n * size, (n + 1) * size), own);
}

/** Returns images [N, C, ...spatial], each normalised by itself as the model's file says. */
async function normalized(images: Tensor<"float32">): Promise<Tensor<"float32">> {
  if (preparation === undefined) return images;
  const out = new Float32Array(images.data.length);
  let at = 0;
  for (const image of each(images)) {
    const { data } = await normalizeImage(image, preparation.normalization);
    out.set(data, at);
    at += data.length;
  }
  return tensor("float32", out, images.dims);
}

async function answer(message: ToChild): Promise<FromChild> {
  if ("open" in message) return open(message.open);
  const { type, dims, bytes: length, options, scaling, spacing } = message.predict;
  if (length !== imageBytes(type, dims)) throw new Error(`[${dims}] of ${type} are not ${length} bytes`);
  const pixels = toFloat32(read(length), type, dims, scaling);
  ftruncateSync(exchangeFiles.output, 0);
  let end = 0;
  const all = await probabilities(tensor("float32", pixels, dims), { options, spacing }, (probs) => {
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
