import { type DecisionColumns, decisionOfColumns } from "../decision.js";
import type { EvaluationRow } from "../evaluate.js";
import { caseTable } from "./case-table.js";
import { type Estimate, estimatesOf } from "./estimate.js";
import { resample } from "./resample.js";
import type { statisticsOptions } from "./statistics-options.js";

/** The net benefit of acting from a probability on. */
export interface DecisionPoint {
  readonly threshold: number;
  /** The net benefit of acting where the model's probability reaches the threshold. */
  readonly model: Estimate;
  /** The net benefit of acting on every case or predicted lesion; that of acting on none is 0. */
  readonly all: Estimate;
}

/** The net benefit of a decision by case or lesion (Vickers and Elkin, 2006), with intervals over cases. */
export interface DecisionCurve {
  /** The event, for example "volume > 100". */
  readonly event: string;
  readonly unit: "case" | "lesion";
  /** The number of cases or lesions that are decided about. */
  readonly cases: number;
  /** The number of them with the event: for lesions those that are real. */
  readonly events: number;
  readonly points: readonly DecisionPoint[];
}

/** The thresholds at which net benefits are given. */
const thresholds: readonly number[] = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);

/**
 * Returns the decision curve of cases with the columns of a decision, or of their lesions; undefined without.
 * A true decision to act counts 1 and a false one -t / (1 - t), the odds of the threshold t, over all cases.
 */
export async function decisionCurve(
  rows: readonly EvaluationRow[],
  settings: ReturnType<typeof statisticsOptions>,
): Promise<DecisionCurve | undefined> {
  const lesions = lesionRows(rows);
  const columns = lesions ? lesionColumns : decisionOfColumns(Object.keys(rows[0]?.scores ?? {}));
  if (columns === undefined) return undefined;
  const of = lesions?.rows ?? rows;
  const known = of.filter(({ scores }) => !Number.isNaN(scores[columns.event] ?? Number.NaN));
  if (known.length === 0) return undefined;
  const table = caseTable(
    known.map((row) => ({ ...row, scores: gains(row, columns, lesions !== undefined), sums: undefined })),
  );
  const places = [...table.layout.scores].map(([, at]) => at);
  const names = [...table.layout.scores].map(([name]) => name);
  const found = await resample(
    [table],
    places.length,
    ([sums], into) => {
      for (const [i, at] of places.entries()) into[i] = sums![at]! / sums![at + 1]!;
    },
    settings,
  );
  const { level, signal } = settings;
  const kinds = places.map(() => "mean" as const);
  const estimates = await estimatesOf(found, { first: 0, kinds, level, signal });
  const gain = (name: string): Estimate => estimates[names.indexOf(name)]!;
  return {
    event: lesions?.event ?? columns.event,
    unit: lesions ? "lesion" : "case",
    cases: known.length,
    events: known.filter(({ scores }) => scores[columns.event] === 1).length,
    points: thresholds.map((threshold) => ({
      threshold,
      model: gain(`model ${threshold}`),
      all: gain(`all ${threshold}`),
    })),
  };
}

const lesionColumns: DecisionColumns = { score: "probability", event: "real" };

/**
 * Returns a row for every lesion that was decided about, whose group is its case or patient, so that those of
 * a case are drawn together; undefined if none were.
 */
function lesionRows(
  rows: readonly EvaluationRow[],
): { readonly event: string; readonly rows: readonly EvaluationRow[] } | undefined {
  const first = rows.find(({ decisions }) => decisions)?.decisions;
  if (first === undefined) return undefined;
  const lesions = rows.flatMap(({ name, group = name, decisions, labels, pixels }) =>
    (decisions?.probabilities ?? []).map((probability, i) => {
      const scores = { probability, real: decisions!.real[i]! };
      return { name: `${name} ${i}`, group, scores, labels, pixels };
    }),
  );
  return { event: `lesion > ${first.volumeAbove}`, rows: lesions };
}

/**
 * Returns what acting from every threshold on gains in a case, or in a lesion: nobody acts on a missed one,
 * whose probability is 0.
 */
function gains(
  { scores }: EvaluationRow,
  { score, event }: DecisionColumns,
  lesion: boolean,
): Record<string, number> {
  return Object.fromEntries(
    thresholds.flatMap((threshold) => {
      const gain = scores[event] === 1 ? 1 : -threshold / (1 - threshold);
      return [
        [`model ${threshold}`, scores[score]! >= threshold ? gain : 0],
        [`all ${threshold}`, lesion && scores[score] === 0 ? 0 : gain],
      ];
    }),
  );
}
