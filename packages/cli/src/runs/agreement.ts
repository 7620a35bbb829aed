import { createHash } from "node:crypto";
import { stat } from "node:fs/promises";
import { type Exchange, type FileDataset, partsOfAll, runtimeVersion } from "@pixelcal/train";
import { CommandError } from "../command-error.js";
import { software } from "./evaluate.js";
import { leafDifferences } from "./leaf-differences.js";

/** The set-up of one process as it describes it, or why it has none. */
type Part = { readonly made: unknown } | { readonly failed: string };

/**
 * Returns what `setUp` makes, once it has succeeded in all processes and `describe` has said the same of
 * each, as JSON. Otherwise throws `CommandError` that names the first process with another set-up, before
 * anything is computed.
 */
export async function agreed<T>(
  exchange: Exchange | undefined,
  setUp: () => Promise<T>,
  describe: (made: T) => Promise<unknown>,
): Promise<T> {
  if (exchange === undefined) return setUp();
  let own: T | undefined;
  let failure: unknown;
  let part: Part;
  try {
    own = await exchange.working(setUp);
    part = { made: await describe(own) };
  } catch (error) {
    failure = error;
    part = { failed: error instanceof Error ? error.message : String(error) };
  }
  const parts = await partsOfAll(exchange, part);
  if (failure !== undefined) throw failure;
  const [first] = parts;
  for (const [rank, other] of parts.entries()) {
    if ("failed" in other) throw new CommandError(`rank ${rank}: ${other.failed}`);
    const differences = leafDifferences("made" in first! ? first.made : undefined, other.made);
    if (differences.length === 0) continue;
    const shown = differences.slice(0, 3).map(({ path, before, after }) => `${path} ${after}, not ${before}`);
    const more = differences.length > 3 ? `, and ${differences.length - 3} more` : "";
    throw new CommandError(`rank ${rank} has another set-up than rank 0: ${shown.join("; ")}${more}`);
  }
  return own!;
}

/** Returns the versions that must be the same everywhere. */
export const versions = async (): Promise<Readonly<Record<string, string>>> => ({
  ...software(),
  onnxruntime: await runtimeVersion(),
});

/** Returns what tells a data set from another: names, shapes, sizes of files, and the first case's arrays. */
export async function fingerprint(dataset: FileDataset): Promise<unknown> {
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
