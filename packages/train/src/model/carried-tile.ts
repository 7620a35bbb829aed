import type { OnnxFile } from "@pixelcal/graph";
import { carriedText, damaged } from "./carried-metadata.js";

/** The key of the tile size in the metadata of an ONNX file. */
const key = "pixelcal.tile";

/** Returns the metadata that a model file carries of the size of the tiles to predict with. */
export const tileMetadata = (tile: readonly number[]): Readonly<Record<string, string>> => ({
  [key]: tile.join("x"),
});

/**
 * Returns the size of the tiles that a model file carries, that of the patches it was trained with; undefined
 * if it carries none. Throws `InvalidArgumentError` if it is damaged.
 */
export function carriedTile(model: Uint8Array | OnnxFile): readonly number[] | undefined {
  const text = carriedText(model, key);
  if (text === undefined) return undefined;
  if (!/^[1-9]\d{0,4}(x[1-9]\d{0,4}){1,2}$/.test(text))
    throw damaged(key, `expected sizes such as 160x160, got ${JSON.stringify(text.slice(0, 40))}`);
  return text.split("x").map(Number);
}
