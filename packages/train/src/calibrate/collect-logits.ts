import { createHash, webcrypto } from "node:crypto";
import type { Labels, SignalOption, Tensor } from "@pixelcal/core";
import type { Dataset, DatasetCase } from "../data/dataset-case.js";
import { cutLabels } from "../data/patches.js";
import type { Network } from "../predict/network.js";
import { tileOf, tileOrigins } from "../predict/tiles.js";
import type { LogitsCache } from "./logits-cache.js";

export interface CollectOptions extends SignalOption {
  /** Sizes of the tiles that the model takes; whole images by default. */
  readonly tile?: readonly number[];
  /** The label of ignored pixels; those of a tile beyond the image get it, too. */
  readonly ignore: number;
  /** Names the patient, or whatever else cases share. */
  readonly groupOf?: (name: string) => string | undefined;
  readonly onCase?: (done: number) => void;
}

/**
 * Runs a model once over every case and writes its logits and the labels to a cache; returns a fingerprint of
 * the cases: SHA-256 over names, images and labels. A calibrator sees what the model gives for one input, so
 * with `tile` every tile becomes a case, and those of an image a group.
 */
export async function collectLogits(
  network: Network,
  dataset: Dataset,
  cache: LogitsCache,
  options: CollectOptions,
): Promise<string> {
  const { signal, groupOf = () => undefined, onCase } = options;
  const fingerprint = createHash("sha256");
  for (const [index, name] of dataset.names.entries()) {
    const item = await dataset.read(index);
    fingerprint.update(JSON.stringify([name, item.image.dims, item.labels.dims]));
    for (const array of [item.image, item.labels]) fingerprint.update(await digestOf(array));
    const group = groupOf(name) ?? name;
    for (const { image, labels } of partsOf(item, options)) {
      signal?.throwIfAborted();
      const logits = await network.logits(image);
      await cache.append({ logits, labels, group, ...(item.spacing && { spacing: item.spacing }) });
    }
    onCase?.(index + 1);
  }
  return fingerprint.digest("hex");
}

/** Hashes off the event loop. */
async function digestOf({ data }: Tensor): Promise<Uint8Array> {
  const bytes = new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength);
  return new Uint8Array(await webcrypto.subtle.digest("SHA-256", bytes));
}

interface Part {
  readonly image: Tensor<"float32">;
  readonly labels: Labels;
}

function* partsOf({ image, labels }: DatasetCase, { tile, ignore }: CollectOptions): Generator<Part> {
  if (tile === undefined) {
    yield {
      image: { ...image, dims: [1, ...image.dims] },
      labels: { ...labels, dims: [1, ...labels.dims] } as Labels,
    };
    return;
  }
  for (const origin of tileOrigins(labels.dims, { tile, overlap: 0 })) {
    const part = cutLabels(labels, { origin, size: tile }, ignore);
    yield { image: tileOf(image, origin, tile), labels: { ...part, dims: [1, ...tile] } as Labels };
  }
}
