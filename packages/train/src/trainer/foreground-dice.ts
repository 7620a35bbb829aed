import type { Labels, Tensor } from "@pixelcal/core";
import { elementCount } from "@pixelcal/core";

/**
 * Returns the Dice score of everything but the background, one per image: the most likely class of logits
 * [N, C, ...spatial] against labels [N, ...spatial], over the pixels whose label is not `ignore`. Two empty masks score
 * 1 (the SDC repository's (2I + e) / (S + e), e = 1e-6); an image in which every pixel is ignored has no score, NaN.
 */
export function foregroundDice(logits: Tensor<"float32">, labels: Labels, ignore?: number): number[] {
  const [count = 0, classes = 0, ...size] = logits.dims;
  const pixels = elementCount(size);
  return Array.from({ length: count }, (_, n) => {
    const first = n * classes * pixels;
    let both = 0;
    let sum = 0;
    let counted = 0;
    for (let i = 0; i < pixels; i++) {
      const label = Number(labels.data[n * pixels + i]);
      if (label === ignore) continue;
      counted += 1;
      const background = logits.data[first + i]!;
      let predicted = 0;
      for (let c = 1; c < classes; c++) if (logits.data[first + c * pixels + i]! > background) predicted = 1;
      const actual = label === 0 ? 0 : 1;
      both += predicted & actual;
      sum += predicted + actual;
    }
    return counted === 0 ? Number.NaN : (2 * both + 1e-6) / (sum + 1e-6);
  });
}
