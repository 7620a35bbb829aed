import { join } from "node:path";
import {
  type CaseStatistics,
  checkOptions,
  checkSignal,
  elementCount,
  InvalidArgumentError,
  invalidArgument,
  type Labels,
  optionNames,
  type Probabilities,
  sameDims,
} from "@pixelcal/core";
import {
  BufferPool,
  FormatError,
  listCases,
  prefetch,
  type ReadPredictionOptions,
  readPrediction,
} from "@pixelcal/io";
import { ConventionScorer, type PixelCounts, type Scores } from "./case-scores.js";
import type { LesionDecisions } from "./decision.js";
import {
  classesOfChannels,
  type ProbabilityTransform,
  predictedProbabilities,
  probabilityTransforms,
  type Refuse,
  unitRange,
  type ValueReading,
} from "./predicted-probabilities.js";
import { checkScoreOptions, type ScoreOptions } from "./score-options.js";
import type { CaseSums } from "./statistics/case-sums.js";

/** The probabilities [C, ...spatial] and labels [...spatial] of one case. */
export interface EvaluationCase {
  readonly name: string;
  readonly probs: Probabilities;
  readonly labels: Labels;
  /** The spacing of this case, in place of the options' spacing. */
  readonly spacing?: readonly number[];
  /** The patient, or whatever else groups cases that are not independent. */
  readonly group?: string;
}

/** Names of cases, as they come. */
export type Names = Iterable<string> | AsyncIterable<string>;

export interface EvaluateOptions extends Omit<ScoreOptions, "classes"> {
  /** The number of classes; default: that of the first case. */
  readonly classes?: number;
  /** The names of the cases of a folder to score, as they come; default: all. */
  readonly cases?: Names;
  /** The conversion of stored values to probabilities; default: they are probabilities. */
  readonly transform?: ProbabilityTransform;
  onCase?(row: EvaluationRow): void;
}

export interface EvaluationRow {
  readonly name: string;
  readonly scores: Scores;
  readonly pixels: PixelCounts;
  /** A hash of the labels: the same for the same case of another run. */
  readonly labels: string;
  /** The sums behind the statistics over cases; absent for a case without a prediction. */
  readonly sums?: CaseSums;
  /** The decisions about lesions, if the options name one. */
  readonly decisions?: LesionDecisions;
  /** The size of a pixel per spatial axis, if the case or the options have one. */
  readonly spacing?: readonly number[];
  /** The patient, or whatever else groups cases that are not independent. */
  readonly group?: string;
}

/** The statistics of a column over all cases, those of core's metrics. */
export type ScoreSummary = CaseStatistics;

export interface Evaluation {
  readonly rows: readonly EvaluationRow[];
  /** The statistics by column, in the order of the columns. */
  readonly summary: Readonly<Record<string, ScoreSummary>>;
  /** The sums of pixels over the cases. */
  readonly pixels: PixelCounts;
}

const known = optionNames<EvaluateOptions>({
  signal: true,
  classes: true,
  cases: true,
  transform: true,
  onCase: true,
  convention: true,
  bins: true,
  falsePositiveWeight: true,
  ignoreBackground: true,
  ignore: true,
  spacing: true,
  bothEmpty: true,
  oneEmpty: true,
  tolerance: true,
  percentile: true,
  nllFloor: true,
  metrics: true,
  lesions: true,
  decision: true,
});

/**
 * Returns the scores of every case and their means over cases. The source is a folder of predictions (*.npz
 * with `probs` and `label`) or an iterable of cases. A case whose values are outside [0, 1] or miss the sum
 * of 1 by more than 1e-3 is refused, as is one that a scorer rejects, naming the file or the case:
 * `FormatError` for a folder, `InvalidArgumentError` for cases.
 */
export async function evaluate(
  source: string | AsyncIterable<EvaluationCase> | Iterable<EvaluationCase>,
  options: EvaluateOptions = {},
): Promise<Evaluation> {
  checkOptions("options", options, known);
  const { convention = "reference", cases, transform, onCase, ...rest } = options;
  const settings = { ...rest, convention };
  checkScoreOptions(settings);
  const { signal } = rest;
  checkSignal(signal);
  if (transform !== undefined && !probabilityTransforms.includes(transform))
    throw invalidArgument("transform", probabilityTransforms.join(" or "), transform);
  const reading = { transform, ignore: rest.ignore, signal };
  const rows: EvaluationRow[] = [];
  let { classes } = rest;
  let scorers: Scorers | undefined;
  const buffers = typeof source === "string" ? new BufferPool() : undefined;
  const items =
    typeof source === "string" ? readFolder(source, cases, { ignore: rest.ignore, buffers, signal }) : source;
  const score = async (item: EvaluationCase): Promise<EvaluationRow> => {
    signal?.throwIfAborted();
    const refuse: Refuse = (what, cause?: Error) => {
      if (typeof source === "string")
        throw new FormatError(join(source, `${item.name}.npz`), undefined, what, { cause });
      throw new InvalidArgumentError(item.name, `${item.name}: ${what}`, { cause });
    };
    const found = classesOfChannels(item.probs.dims[0] ?? 0, reading, (what) => refuse(`probs: ${what}`));
    if (classes === undefined) checkScoreOptions({ ...settings, classes: found });
    classes ??= found;
    if (found !== classes) refuse(`probs: expected ${classes} classes, got shape [${item.probs.dims}]`);
    scorers ??= new Scorers({ ...settings, classes });
    const row = await scored({ ...item, spacing: item.spacing ?? rest.spacing }, scorers, reading, refuse);
    // The case was read for this row alone, and no kernel reads it any more.
    buffers?.give(item.probs.data.buffer);
    buffers?.give(item.labels.data.buffer);
    return row;
  };
  // A source of the caller's may give the same arrays again, so its cases are scored one by one.
  for await (const row of prefetch(items, typeof source === "string" ? scoredBeside : 0, score)) {
    // A case that was scored beside the last one may be ready before onCase aborts.
    signal?.throwIfAborted();
    rows.push(row);
    onCase?.(row);
  }
  if (rows.length === 0) throw new InvalidArgumentError("cases", "cases: needs at least one case");
  return summaryOf(rows);
}

/** The scorers of an evaluation. */
class Scorers {
  readonly #options: ScoreOptions;
  /** Takes values as they come; sums that are not 1 are an error. */
  readonly checking: ConventionScorer;
  #trusting: ConventionScorer | undefined;

  constructor(options: ScoreOptions) {
    this.#options = options;
    this.checking = new ConventionScorer(options, unitRange);
  }

  /** Takes what {@link predictedProbabilities} returns. */
  get trusting(): ConventionScorer {
    this.#trusting ??= new ConventionScorer(this.#options);
    return this.#trusting;
  }
}

async function scored(
  { name, probs, labels, spacing, group }: EvaluationCase,
  scorers: Scorers,
  reading: ValueReading,
  refuse: Refuse,
): Promise<EvaluationRow> {
  const axes = probs.dims.length - 1;
  if (axes < 2 || axes > 3)
    refuse(`probs: expected 2 or 3 spatial axes, got ${axes} (shape [${probs.dims}])`);
  if (!sameDims(labels.dims, probs.dims.slice(1)))
    refuse(`labels: expected shape [${probs.dims.slice(1)}] to match probs, got [${labels.dims}]`);
  if (probs.data.length !== elementCount(probs.dims))
    refuse(`probs: expected ${elementCount(probs.dims)} elements, got ${probs.data.length}`);
  if (labels.data.length !== elementCount(labels.dims))
    refuse(`labels: expected ${elementCount(labels.dims)} elements, got ${labels.data.length}`);
  const attempt = async (
    scorer: ConventionScorer,
    chances: Probabilities,
  ): Promise<EvaluationRow | InvalidArgumentError> => {
    try {
      const scores = await scorer.score(chances, labels, spacing);
      const given = { ...(spacing && { spacing }), ...(group !== undefined && { group }) };
      return { name, ...scores, ...given };
    } catch (error) {
      if (error instanceof InvalidArgumentError) return error;
      throw error;
    }
  };
  // Nearly all cases are right: only others are looked at for what is wrong with them.
  const first = reading.transform === undefined ? await attempt(scorers.checking, probs) : undefined;
  if (first && !(first instanceof InvalidArgumentError)) return first;
  const chances = await predictedProbabilities(probs, labels, reading, (what) => refuse(`probs: ${what}`));
  const found = first && chances === probs ? first : await attempt(scorers.trusting, chances);
  return found instanceof InvalidArgumentError ? refuse(found.message, found) : found;
}

/** Returns the rows with the means of their columns. */
export function summaryOf(rows: readonly EvaluationRow[]): Evaluation {
  const columns = Object.keys(rows[0]?.scores ?? {});
  const summary = Object.fromEntries(
    columns.map((column) => [column, summarize(rows.map(({ scores }) => scores[column]!))]),
  );
  const sum = (count: keyof PixelCounts): number => rows.reduce((total, row) => total + row.pixels[count], 0);
  return {
    rows,
    summary,
    pixels: { counted: sum("counted"), unbinned: sum("unbinned"), bounded: sum("bounded") },
  };
}

/**
 * Returns the mean and spread of one column. The spread is taken around the mean, in a second pass, in which
 * nearly equal scores do not cancel; a metric class, which keeps sums alone, has to subtract their squares.
 */
export function summarize(values: readonly number[]): ScoreSummary {
  let [sum, finite, infinite] = [0, 0, 0];
  for (const value of values) {
    if (Number.isFinite(value)) {
      sum += value;
      finite++;
    } else if (!Number.isNaN(value)) infinite++;
  }
  const finiteMean = sum / finite;
  let squares = 0;
  for (const value of values) if (Number.isFinite(value)) squares += (value - finiteMean) ** 2;
  return {
    mean: infinite > 0 ? Number.POSITIVE_INFINITY : finiteMean,
    deviation: finite > 1 ? Math.sqrt(squares / (finite - 1)) : Number.NaN,
    finiteMean,
    count: finite + infinite,
    infinite,
    undefined: values.length - finite - infinite,
  };
}

/** The expected content of a folder of predictions, for messages. */
export const expectedPredictions = "expected predictions, *.npz with probs and label";

/**
 * The number of cases that are scored beside another: one is in the kernels too, and one waits for them, so
 * that they go on while JavaScript makes a row of what they found.
 */
const scoredBeside = 2;

/** The number of cases that are read while others are scored. */
const readAhead = 1;

async function* readFolder(
  folder: string,
  cases: Names | undefined,
  reading: Pick<ReadPredictionOptions, "ignore" | "buffers" | "signal">,
): AsyncGenerator<EvaluationCase> {
  // The range of values is checked below, naming class and pixel.
  const options = { ...reading, values: "any" } as const;
  const names = cases ?? (await listCases(folder, expectedPredictions));
  yield* prefetch(names, readAhead, async (name) => ({
    name,
    ...(await readPrediction(join(folder, `${name}.npz`), options)),
  }));
}
