import { call, native } from "../binding.js";
import { elementCount, type Tensor } from "../tensor.js";
import { caseCells } from "./case-cells.js";
import { featureLayout } from "./forward-form.js";

/**
 * Returns the features of one image `[1, C, ...spatial]`: 1, its mean entropy, the share of pixels predicted
 * as foreground, and the share of those with another predicted label among their neighbours.
 */
export async function imageFeatures(logits: Tensor<"float32">, signal?: AbortSignal): Promise<Float64Array> {
  const [, classes, ...spatial] = logits.dims as [number, number, ...number[]];
  const pixels = elementCount(spatial);
  const entropy = await call(native.meanEntropy, { logits: logits.data, classes, pixels }, signal);
  const { predicted, cells } = await caseCells(logits, featureLayout(spatial.length, classes), { signal });
  const request = { logits: logits.data, labels: predicted.data as Uint8Array | Int32Array, cells };
  const { byCell } = await call(native.countPixels, { ...request, classes, pixels, count: 4 }, signal);
  const [background, , foreground, inside] = byCell as unknown as [number, number, number, number];
  return Float64Array.of(1, entropy, (foreground + inside) / pixels, (background + foreground) / pixels);
}
