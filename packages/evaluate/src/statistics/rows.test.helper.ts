import { Random } from "@pixelcal/core";
import type { EvaluationRow } from "../evaluate.js";
import type { BinSums } from "./case-sums.js";
import type { RingSums } from "./ring-sums.js";

const bins = 15;

/** Makes the histogram of a case with `pixels` pixels whose accuracy is confidence minus `gap`. */
function histogram(random: Random, pixels: number, gap: number): BinSums {
  const sums = { count: [], confidence: [], accuracy: [], falsePositive: [] } as Record<
    keyof BinSums,
    number[]
  >;
  for (let b = 0; b < bins; b++) {
    const count = random.integer(pixels);
    const confidence = (count * (b + random.uniform())) / bins;
    const accuracy = Math.round(Math.max(0, Math.min(count, confidence - gap * count)));
    sums.count.push(count);
    sums.confidence.push(confidence);
    sums.accuracy.push(accuracy);
    sums.falsePositive.push(((count - accuracy) * b) / bins);
  }
  return sums;
}

const edges = [-10, -3, 0, 3, 10];

/** Makes the rings of a case: over-confident by `gap` near the boundary, calibrated elsewhere. */
function rings(random: Random, gap: number): RingSums {
  const cells = (edges.length + 1) * 2;
  const count = Array.from({ length: cells }, () => 50 + random.integer(100));
  const confidence = count.map((n, cell) => n * (cell % 2 === 0 ? 0.4 : 0.8));
  const near = (cell: number): boolean => cell >= 4 && cell < 8;
  return {
    unit: "px",
    edges,
    bins: 2,
    count,
    confidence,
    accuracy: confidence.map((sum, cell) => Math.round(sum - (near(cell) ? gap * count[cell]! : 0))),
    logLoss: Array.from({ length: edges.length + 1 }, (_, ring) => 20 + ring),
    impossible: Array.from({ length: edges.length + 1 }, (_, ring) => (ring === 5 ? 1 : 0)),
  };
}

/** Makes the row of case `i`, the same every time. */
export function row(i: number, more: Partial<EvaluationRow> = {}): EvaluationRow {
  const random = Random.fromSeed(i);
  const quality = random.uniform();
  const gap = 0.05 + 0.1 * (random.uniform() - 0.5);
  return {
    name: `case ${String(i).padStart(2, "0")}`,
    labels: `labels ${i}`,
    scores: { DSC: 0.7 + 0.25 * quality, HD95: 10 * (1 - quality), ECE: gap, "pECE if calibrated": 2 * gap },
    pixels: { counted: 1000, unbinned: 0, bounded: 0 },
    sums: {
      topLabel: histogram(random, 500, gap),
      classes: [histogram(random, 900, gap), histogram(random, 300, gap)],
      sizes: { truth: [700, 300], predicted: [710, 290], both: [650, 240] },
      boundary: rings(random, gap),
    },
    ...more,
  };
}

export const rows = (count: number): readonly EvaluationRow[] =>
  Array.from({ length: count }, (_, i) => row(i));
