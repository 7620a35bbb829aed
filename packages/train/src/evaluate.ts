import { join } from "node:path";
import type { Labels, Probabilities } from "@pixelcal/core";
import { invalidArgument } from "@pixelcal/core";
import { FormatError, listCases, readPrediction } from "@pixelcal/io";
import { caseScores, evaluationConventions, type ScoreOptions, type Scores } from "./case-scores.js";

/** Probabilities [C, ...spatial] and labels [...spatial] of one case. */
export interface EvaluationCase {
  readonly name: string;
  readonly probs: Probabilities;
  readonly labels: Labels;
  /** In place of the options' spacing. */
  readonly spacing?: readonly number[];
}

export interface EvaluateOptions extends ScoreOptions {
  onCase?(row: EvaluationRow): void;
}

export interface EvaluationRow {
  readonly name: string;
  readonly scores: Scores;
}

/** A column over all cases. */
export interface ScoreSummary {
  /** Over the defined cases: infinite when one of them is; NaN when there is none. */
  readonly mean: number;
  /** Standard deviation (n - 1) over the finite cases; NaN for fewer than two. */
  readonly deviation: number;
  readonly finiteMean: number;
  /** Defined cases, infinite ones included. */
  readonly count: number;
  readonly infinite: number;
  /** Cases in which the score is not defined; they count in nothing else. */
  readonly undefined: number;
}

export interface Evaluation {
  readonly rows: readonly EvaluationRow[];
  /** By column, in the order of the columns. */
  readonly summary: Readonly<Record<string, ScoreSummary>>;
}

/**
 * Scores of every case and their means over cases. The source is a folder of predictions (*.npz with `probs` and
 * `label`) or cases one by one. Throws `FormatError` for a file or folder that is not of this form.
 */
export async function evaluate(
  source: string | AsyncIterable<EvaluationCase> | Iterable<EvaluationCase>,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { classes, convention = "reference", onCase, ...rest } = options;
  if (!evaluationConventions.includes(convention)) {
    throw invalidArgument("convention", evaluationConventions.join(" or "), convention);
  }
  if (!(Number.isInteger(classes) && classes >= 2))
    throw invalidArgument("classes", "an integer of 2 or more", classes);
  const rows: EvaluationRow[] = [];
  for await (const { name, probs, labels, spacing } of typeof source === "string"
    ? readFolder(source, classes, rest.ignore)
    : source) {
    if (probs.dims[0] !== classes)
      throw invalidArgument(`${name}: probs`, `${classes} classes`, `[${probs.dims}]`);
    const scores = await caseScores(probs, labels, {
      ...rest,
      classes,
      convention,
      spacing: spacing ?? rest.spacing,
    });
    const row = { name, scores };
    rows.push(row);
    onCase?.(row);
  }
  if (rows.length === 0) throw invalidArgument("cases", "at least one", "none");
  const columns = Object.keys(rows[0]!.scores);
  const summary = Object.fromEntries(
    columns.map((column) => [column, summarize(rows.map(({ scores }) => scores[column]!))]),
  );
  return { rows, summary };
}

/** Mean and spread of one column. */
export function summarize(values: readonly number[]): ScoreSummary {
  const defined = values.filter((value) => !Number.isNaN(value));
  const finite = defined.filter(Number.isFinite);
  const finiteMean = finite.reduce((sum, value) => sum + value, 0) / finite.length;
  const squares = finite.reduce((sum, value) => sum + (value - finiteMean) ** 2, 0);
  const infinite = defined.length - finite.length;
  return {
    mean: infinite > 0 ? Number.POSITIVE_INFINITY : finiteMean,
    deviation: finite.length > 1 ? Math.sqrt(squares / (finite.length - 1)) : Number.NaN,
    finiteMean,
    count: defined.length,
    infinite,
    undefined: values.length - defined.length,
  };
}

const expectedPredictions = "expected predictions, *.npz with probs and label";

async function* readFolder(folder: string, classes: number, ignore?: number): AsyncGenerator<EvaluationCase> {
  for (const name of await listCases(folder, expectedPredictions)) {
    const path = join(folder, `${name}.npz`);
    const { probs, labels, spacing } = await readPrediction(path, { ignore });
    if (probs.dims[0] !== classes) {
      throw new FormatError(path, "probs", `expected ${classes} classes, got shape [${probs.dims}]`);
    }
    clampRounding(probs.data);
    yield { name, probs, labels, spacing };
  }
}

/** Softmax in float32 may leave values a rounding outside of [0, 1]; the reader has refused anything further out. */
function clampRounding(probs: Float32Array): void {
  for (let i = 0; i < probs.length; i++)
    if (!(probs[i]! >= 0 && probs[i]! <= 1)) probs[i] = probs[i]! > 1 ? 1 : 0;
}
