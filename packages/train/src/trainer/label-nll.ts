import { setImmediate } from "node:timers/promises";
import type { Labels, Tensor } from "@pixelcal/core";
import { elementCount } from "@pixelcal/core";

// Some milliseconds of work, after which the event loop has its turn.
const atOnce = 1 << 16;

/**
 * Returns the negative log-likelihood of the labels, one per image: the mean of -ln p_label, p the softmax
 * of logits [N, C, ...spatial], over the pixels of labels [N, ...spatial] that are not `ignore`; NaN for an
 * image in which every pixel is ignored. Computed from logits, so that it is finite where p underflows.
 */
export async function labelNll(
  logits: Tensor<"float32">,
  labels: Labels,
  ignore?: number,
): Promise<number[]> {
  const [count = 0, , ...size] = logits.dims;
  const pixels = elementCount(size);
  const means: number[] = [];
  for (let n = 0; n < count; n++) {
    let sum = 0;
    let counted = 0;
    for (let begin = 0; begin < pixels; begin += atOnce) {
      const part = sumOver(logits, labels, ignore, [n, begin, Math.min(pixels, begin + atOnce)]);
      sum += part.sum;
      counted += part.counted;
      if (begin + atOnce < pixels) await setImmediate();
    }
    means.push(counted === 0 ? Number.NaN : sum / counted);
  }
  return means;
}

function sumOver(
  { data, dims }: Tensor<"float32">,
  labels: Labels,
  ignore: number | undefined,
  [n, begin, end]: readonly [image: number, begin: number, end: number],
): { readonly sum: number; readonly counted: number } {
  const classes = dims[1]!;
  const pixels = elementCount(dims.slice(2));
  const first = n * classes * pixels;
  let sum = 0;
  let counted = 0;
  for (let i = begin; i < end; i++) {
    const label = Number(labels.data[n * pixels + i]);
    if (label === ignore) continue;
    counted += 1;
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, data[first + c * pixels + i]!);
    let total = 0;
    for (let c = 0; c < classes; c++) total += Math.exp(data[first + c * pixels + i]! - largest);
    sum += Math.log(total) + largest - data[first + label * pixels + i]!;
  }
  return { sum, counted };
}
