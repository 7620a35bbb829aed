import { Random } from "@pixelcal/core";
import type { Comparison, Difference } from "../statistics/compare-runs.js";
import type { Estimate } from "../statistics/estimate.js";
import type { Interval } from "../statistics/interval.js";
import type { Reliability } from "../statistics/reliability.js";
import type { Verdict } from "../statistics/verdict.js";
import type { CaseArrays } from "./pictures/case-layers.js";
import type { PictureCase } from "./pictures/case-pictures.js";
import type { CasePictures } from "./pictures/pictures.js";
import type { ReportData, ReportRun } from "./report-data.js";

/** The shape of a made-up report. */
export interface MadeReport {
  readonly cases: number;
  readonly runs?: 1 | 2;
  readonly classes?: number;
  /** The class that is in no label. */
  readonly absent?: number;
  /** Whether every mask is empty: overlap and distances are undefined. */
  readonly empty?: boolean;
  readonly name?: (index: number) => string;
  readonly pictures?: readonly CasePictures[];
}

/** Returns a report of made-up numbers in the shape that statistics have; the same for the same arguments. */
export function madeReport(made: MadeReport): ReportData {
  const { cases, runs: count = 1, classes = 2, name = (i) => `case_${String(i).padStart(4, "0")}` } = made;
  const runs = Array.from({ length: count }, (_, run) => madeRun(made, run, name));
  const names = Array.from({ length: classes }, (_, c) => (c === 0 ? "background" : `organ ${c}`));
  const [before, after] = runs;
  return {
    subject: "U-Net, test split",
    runs: after ? [before!, after] : [before!],
    ...(after && { comparison: madeComparison(before!, after, cases) }),
    classes: names,
    settings: { convention: "consistent", bins: 15, ignore: 255 },
    pictures: made.pictures,
  };
}

function madeRun(
  { cases, classes = 2, absent, empty = false }: MadeReport,
  run: number,
  name: (i: number) => string,
): ReportRun {
  const random = Random.fromSeed(7);
  const own = Random.fromSeed(11 + run);
  const tooFew = cases < 8;
  const sharpness = run === 0 ? 1 : 0.55;
  const interval = (value: number, half: number): Interval | undefined =>
    tooFew || Number.isNaN(value) ? undefined : { low: value - half, high: value + half };
  const rows = Array.from({ length: cases }, (_, i) => {
    const dice = i % 13 === 4 ? 0.2 + 0.3 * random.uniform() : 0.8 + 0.18 * random.uniform();
    const ece =
      (0.004 + 0.25 * (1 - dice) ** 2 * (0.5 + random.uniform())) * (sharpness + 0.2 * own.uniform());
    const overlap = empty ? Number.NaN : dice;
    const scores = {
      DSC: overlap,
      HD95: i % 29 === 3 ? Number.POSITIVE_INFINITY : empty ? Number.NaN : 40 * (1 - dice),
      ECE: ece,
      "boundary ECE": 3 * ece,
      NLL: 4 * ece,
      Brier: 2 * ece,
    };
    return { name: name(i), scores };
  });
  const mean = (column: keyof (typeof rows)[number]["scores"]): number => {
    const values = rows.map(({ scores }) => scores[column]).filter((value) => !Number.isNaN(value));
    return values.reduce((sum, value) => sum + value, 0) / values.length;
  };
  const columns = ["DSC", "HD95", "ECE", "boundary ECE", "NLL", "Brier"] as const;
  const scores = columns.map((column): [string, Estimate] => {
    const value = mean(column);
    return [column, { value, interval: Number.isFinite(value) ? interval(value, 0.15 * value) : undefined }];
  });
  const reliability = (label: string, gap: number, none = false): Reliability => ({
    name: label,
    bins: Array.from({ length: 15 }, (_, b) => {
      const [low, high] = [b / 15, (b + 1) / 15];
      const count =
        none || (label === "top label" && b < 7) ? 0 : Math.round(1000 + 2e6 * Math.abs(low - 0.5) ** 4);
      const confidence = count > 0 ? (low + high) / 2 : Number.NaN;
      const accuracy = confidence - gap * 4 * confidence * (1 - confidence) + 0.03 * (own.uniform() - 0.5);
      return {
        ...{ low, high, count, confidence, accuracy, isotonic: accuracy },
        ...(!tooFew && count > 0 && { band: interval(accuracy, 0.06), nullBand: interval(confidence, 0.03) }),
      };
    }),
    debiased: { squared: (gap / 3) ** 2, value: gap / 3 },
    error: { value: gap / 3, interval: interval(gap / 3, gap / 9) },
    ...(!tooFew && { calibrated: { bound: 0.006, mean: 0.004 } }),
  });
  const edges = [-10, -5, -3, -2, -1, 0, 1, 2, 3, 5, 10];
  const rings = [...edges, Number.POSITIVE_INFINITY].map((high, i) => {
    const low = i === 0 ? Number.NEGATIVE_INFINITY : edges[i - 1]!;
    const gap = 0.09 * sharpness * Math.exp(-(((i - 5.5) / 2) ** 2)) - (i === 0 ? 0.01 : 0);
    const count = Math.round(3e5 / (1 + Math.abs(i - 5.5)) ** 2);
    return { low, high, count, gap, nll: gap + 0.1, ...(!tooFew && { band: interval(gap, 0.012) }) };
  });
  return {
    boundary: { unit: "px", rings, ece: { value: 0.05, interval: interval(0.05, 0.01) } },
    name: run === 0 ? "dice-ce" : "dice-ce, temperature",
    cases: rows,
    statistics: {
      ...{ cases, groups: cases, unit: "case", tooFew, level: 0.95, draws: 2000, seed: 0 },
      scores: new Map(scores),
      topLabel: reliability("top label", 0.12 * sharpness),
      classes: Array.from({ length: classes }, (_, c) =>
        reliability(`class ${c}`, 0.1 * sharpness, c === absent),
      ),
      decision: {
        unit: "case",
        ...{ event: "volume > 500", cases, events: Math.ceil(0.4 * cases) },
        points: Array.from({ length: 19 }, (_, i) => {
          const threshold = (i + 1) / 20;
          const benefit = 0.4 - (0.08 + 0.06 * sharpness) * (threshold / (1 - threshold)) ** 0.7;
          const all = 0.4 - (0.6 * threshold) / (1 - threshold);
          return {
            threshold,
            model: { value: benefit, interval: interval(benefit, 0.05) },
            all: { value: all, interval: interval(all, 0.1) },
          };
        }),
      },
      sampleSizes: tooFew ? [] : [{ name: "ECE", halfWidth: 0.005, needed: 243 }],
    },
  };
}

function madeComparison(before: ReportRun, after: ReportRun, cases: number): Comparison {
  const { tooFew } = before.statistics;
  const differences = [...before.statistics.scores].map(([name, a]): Difference => {
    const b = after.statistics.scores.get(name)!;
    const value = b.value - a.value;
    const half = name === "NLL" || name === "ECE" ? Math.abs(value) / 2 : 2 * Math.abs(value);
    const interval =
      tooFew || !Number.isFinite(value) ? undefined : { low: value - half, high: value + half };
    const verdict: Verdict = tooFew
      ? "too few to say"
      : !interval
        ? "undefined"
        : value === 0
          ? "unchanged"
          : interval.high < 0
            ? "better"
            : "no difference";
    return {
      ...{ name, better: name === "DSC" ? "higher" : "lower", before: a, after: b },
      ...{
        difference: { value, interval },
        test: { p: 0.01, positive: 1, count: cases, exact: true },
        adjusted: 0.04,
        verdict,
      },
    };
  });
  return { cases, groups: cases, unit: "case", tooFew, left: [], differences };
}

/** The content of a made-up case. */
export interface MadeArrays {
  readonly runs?: number;
  readonly classes?: number;
  readonly image?: boolean;
}

/** Returns a case with a ball in a noisy image, predicted beside its place, for pictures. */
export function madeArrays(
  name: string,
  dims: readonly number[],
  { runs = 1, classes = 2, image = true }: MadeArrays = {},
): CaseArrays {
  const [depth, height, width] = (dims.length === 3 ? dims : [1, ...dims]) as [number, number, number];
  const pixels = depth * height * width;
  const random = Random.fromSeed(5);
  const labels = new Uint8Array(pixels);
  const grey = new Float32Array(pixels);
  const probs = Array.from({ length: runs }, () => new Float32Array(classes * pixels));
  const radius = Math.min(height, width) / 4;
  for (let i = 0; i < pixels; i++) {
    const [z, y, x] = [Math.floor(i / (height * width)), Math.floor(i / width) % height, i % width];
    const away = (shift: number): number =>
      Math.hypot(3 * (z - depth / 2), y - height / 2, x - width / 2 - shift) - radius;
    labels[i] = away(0) < 0 ? (classes > 2 && x > width / 2 ? 2 : 1) : 0;
    grey[i] = (away(0) < 0 ? 120 : 40) + 30 * random.uniform();
    for (const [run, values] of probs.entries()) {
      const inside = 1 / (1 + Math.exp(away(radius / 3) / (3 + 3 * run)));
      for (let c = 0; c < classes; c++) values[c * pixels + i] = c === 0 ? 1 - inside : c === 1 ? inside : 0;
    }
  }
  return {
    name,
    labels: { type: "uint8", dims, data: labels },
    runs: probs.map((data) => ({ type: "float32", dims: [classes, ...dims], data })),
    ...(image && { image: { dims: [1, ...dims], data: grey } }),
  };
}

/** Returns made-up arrays as the predictions of runs. */
export const pictureCase = ({ name, labels, runs, image }: CaseArrays): PictureCase => ({
  runs: runs.map((probs) => ({ name, probs, labels })),
  image,
});
