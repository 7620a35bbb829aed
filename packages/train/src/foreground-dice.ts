import type { Labels, Tensor } from "@pixelcal/core";
import { elementCount } from "@pixelcal/core";

/**
 * The Dice score of everything but the background, one per image: the most likely class of logits [N, C, ...spatial]
 * against labels [N, ...spatial]. Two empty masks score 1 (the SDC repository's (2I + e) / (S + e), e = 1e-6).
 */
export function foregroundDice(logits: Tensor<"float32">, labels: Labels): number[] {
  const [count = 0, classes = 0, ...size] = logits.dims;
  const pixels = elementCount(size);
  return Array.from({ length: count }, (_, n) => {
    const first = n * classes * pixels;
    let both = 0;
    let sum = 0;
    for (let i = 0; i < pixels; i++) {
      const background = logits.data[first + i]!;
      let predicted = 0;
      for (let c = 1; c < classes; c++) if (logits.data[first + c * pixels + i]! > background) predicted = 1;
      const actual = Number(labels.data[n * pixels + i]) === 0 ? 0 : 1;
      both += predicted & actual;
      sum += predicted + actual;
    }
    return (2 * both + 1e-6) / (sum + 1e-6);
  });
}
