import { OnnxFile } from "./onnx-file.js";
import { modelTable } from "./onnx-proto.js";
import { rewriteFields } from "./wire-rewriter.js";
import { encode } from "./wire-writer.js";

/** The number of the metadata's field in onnx.proto's model. */
const metadataField = 14;

/**
 * Returns a model file, in pieces, with these strings in its metadata in place of those of the same keys;
 * everything else keeps its bytes.
 */
export function withMetadata(
  file: Uint8Array | OnnxFile,
  metadata: Readonly<Record<string, string>>,
): Uint8Array[] {
  const { bytes, proto } = OnnxFile.of(file);
  const entries = Object.entries(metadata).map(([key, value]) => ({ key, value }));
  const replaced = (index: number): boolean => Object.hasOwn(metadata, proto.metadata?.[index]?.key ?? "");
  return [
    ...rewriteFields(bytes, (field, _, index) =>
      field === metadataField && replaced(index) ? null : undefined,
    ),
    ...encode(modelTable, { metadata: entries }),
  ];
}
