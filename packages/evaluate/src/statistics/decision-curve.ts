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
  /** The net benefit of acting on every case; that of acting on none is 0. */
  readonly all: Estimate;
}

/** The net benefit of a decision by case (Vickers and Elkin, 2006), with intervals over cases. */
export interface DecisionCurve {
  /** The event, for example "volume > 100". */
  readonly event: string;
  readonly cases: number;
  /** The number of cases with the event. */
  readonly events: number;
  readonly points: readonly DecisionPoint[];
}

/** The thresholds at which net benefits are given. */
const thresholds: readonly number[] = Array.from({ length: 19 }, (_, i) => (i + 1) / 20);

/**
 * Returns the decision curve of cases with the columns of a decision; undefined without them. A true
 * decision to act counts 1 and a false one -t / (1 - t), the odds of the threshold t, over all cases.
 */
export async function decisionCurve(
  rows: readonly EvaluationRow[],
  settings: ReturnType<typeof statisticsOptions>,
): Promise<DecisionCurve | undefined> {
  const columns = decisionOfColumns(Object.keys(rows[0]?.scores ?? {}));
  if (columns === undefined) return undefined;
  const known = rows.filter(({ scores }) => !Number.isNaN(scores[columns.event] ?? Number.NaN));
  if (known.length === 0) return undefined;
  const table = caseTable(known.map((row) => ({ ...row, scores: gains(row, columns), sums: undefined })));
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
  const of = (name: string): Estimate => estimates[names.indexOf(name)]!;
  return {
    event: columns.event,
    cases: known.length,
    events: known.filter(({ scores }) => scores[columns.event] === 1).length,
    points: thresholds.map((threshold) => ({
      threshold,
      model: of(`model ${threshold}`),
      all: of(`all ${threshold}`),
    })),
  };
}

/** Returns what acting from every threshold on gains in a case. */
function gains({ scores }: EvaluationRow, { score, event }: DecisionColumns): Record<string, number> {
  return Object.fromEntries(
    thresholds.flatMap((threshold) => {
      const gain = scores[event] === 1 ? 1 : -threshold / (1 - threshold);
      return [
        [`model ${threshold}`, scores[score]! >= threshold ? gain : 0],
        [`all ${threshold}`, gain],
      ];
    }),
  );
}
