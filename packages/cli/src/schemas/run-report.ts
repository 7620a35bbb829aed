import type { RunReport, ScoreSummary } from "@pixelcal/evaluate";
import { array, count, finite, object, optional, real, record, type Schema, text } from "./schema.js";
import { statisticsReport } from "./statistics-report.js";

type CaseReport = RunReport["cases"][number];

const pixels = object<RunReport["pixels"]>({ counted: count, unbinned: count, bounded: count });

/** The scores of one run: the statistics of every column and every case. */
export const runReport: Schema = object<RunReport>({
  run: text,
  region: optional(text),
  summary: record(
    object<ScoreSummary>({
      mean: real,
      deviation: real,
      finiteMean: real,
      count,
      infinite: count,
      undefined: count,
    }),
  ),
  pixels,
  statistics: optional(statisticsReport),
  missing: array(text),
  relabelled: array(text),
  cases: array(
    object<CaseReport>({
      name: text,
      scores: record(real),
      pixels,
      labels: text,
      spacing: optional(array(finite)),
      group: optional(text),
    }),
  ),
});
