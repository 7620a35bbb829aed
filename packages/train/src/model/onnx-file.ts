import { dirname, join } from "node:path";
import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import {
  type ExternalPatch,
  externalPath,
  type OnnxFile,
  replaceWeights,
  type Weights,
  withMetadata,
} from "@pixelcal/graph";
import { type FileData, regularFilePieces, writeFilesAtomic } from "@pixelcal/io";

export type { Weights } from "@pixelcal/graph";

/** Returns the bytes of an ONNX file with new weights and nothing else changed; throws for any option. */
export function withWeights(file: OnnxFile, weights: Weights, options: object = {}): Uint8Array {
  const [option] = Object.keys(options);
  if (option !== undefined)
    throw new InvalidArgumentError(option, `${option}: cannot be set, the ONNX file fixes it`);
  const { model, patches } = replaceWeights(file, weights);
  if (patches.length > 0) {
    const files = [...new Set(patches.map(({ location }) => location))].join(", ");
    throw new InvalidArgumentError("model", `model: has weights in other files (${files}); use writeModel`);
  }
  return Buffer.concat(model);
}

interface WriteOptions {
  readonly externalData?: string;
  /** Strings for the file's metadata. */
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * Writes an ONNX file with new weights and nothing else changed, and beside it the files that hold weights of
 * its own (`externalData` is the folder of the original's). None is replaced before all are written, the
 * model last.
 */
export async function writeWithWeights(
  path: string,
  file: OnnxFile,
  weights: Readonly<Record<string, Tensor<"float32">>>,
  { externalData, metadata }: WriteOptions,
): Promise<void> {
  const { model, patches, locations } = replaceWeights(file, weights);
  const dataFiles = locations.map((location): readonly [string, FileData] => {
    if (externalData === undefined)
      throw new InvalidArgumentError("externalData", "externalData: needs the model's folder");
    const source = externalPath(externalData, location);
    const own = patches.filter((patch) => patch.location === location);
    return [join(dirname(path), location), patchedFile(source, own)];
  });
  await writeFilesAtomic([
    ...dataFiles,
    [path, metadata ? withMetadata(Buffer.concat(model), metadata) : model],
  ]);
}

async function* patchedFile(path: string, patches: readonly ExternalPatch[]): AsyncGenerator<Uint8Array> {
  let start = 0;
  for await (const chunk of regularFilePieces(path, 1 << 22)) {
    const end = start + chunk.length;
    for (const { offset, bytes } of patches) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + bytes.length, end);
      if (from < to) chunk.set(bytes.subarray(from - offset, to - offset), from - start);
    }
    start = end;
    yield chunk;
  }
}
