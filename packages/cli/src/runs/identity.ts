import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { type FileDataset, runtimeVersion } from "@pixelcal/train";
import { software } from "./evaluate.js";

/** Returns the versions that must be the same everywhere. */
export const versions = async (): Promise<Readonly<Record<string, string>>> => ({
  ...software(),
  onnxruntime: await runtimeVersion(),
});

/** Returns what tells a data set from another: names, shapes, sizes of files, and the first case's arrays. */
export async function identityOf(dataset: FileDataset): Promise<unknown> {
  const files = createHash("sha256");
  for (const [index, name] of dataset.names.entries()) {
    const size = await stat(dataset.source(index)).then(
      (found) => found.size,
      () => 0,
    );
    files.update(`${name} ${size}\n`);
  }
  const { image, labels } = await dataset.readImage(0);
  return {
    layout: dataset.cases.layout,
    cases: dataset.names.length,
    shapes: dataset.shapes.map(({ dims }) => dims.join("x")),
    files: files.digest("hex").slice(0, 16),
    first: hashOf([image.data, ...(labels === undefined ? [] : [labels.data])]),
  };
}

/** Returns a short hash of arrays. */
export function hashOf(arrays: Iterable<ArrayBufferView>): string {
  const hash = createHash("sha256");
  for (const { buffer, byteOffset, byteLength } of arrays)
    hash.update(new Uint8Array(buffer, byteOffset, byteLength));
  return hash.digest("hex").slice(0, 16);
}
