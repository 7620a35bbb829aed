import { estimatedBytes, type Plan, type PlannedCases, type PlannedNetwork, planFor } from "./plan.js";

/** A plan whose step was measured. */
export interface MeasuredPlan {
  readonly plan: Plan;
  /** The memory of its step, in eighths of the budget; undefined where it was not measured. */
  readonly eighths?: number;
}

/** The most plans that are measured. */
const mostRounds = 4;
/** The share of the budget below which a step is estimated that is not measured: no estimate is so wrong. */
const surelyFits = 0.25;
/** The eighths of the budget below which more pixels are tried. */
const fewEighths = 5;

/**
 * Plans as `planFor` does, and corrects patch and batch by the measured memory of a step: less where it
 * takes more than `memory`, more where it takes less than five eighths. Measurements are rounded to eighths,
 * so that their noise makes no other plan. Steps that are estimated at less than a quarter are not measured.
 */
export async function measuredPlan(
  cases: PlannedCases,
  { memory, ...network }: PlannedNetwork & { readonly memory: number },
  measure: (plan: Plan) => Promise<number>,
): Promise<MeasuredPlan> {
  let plan = planFor(cases, { ...network, memory });
  if (estimatedBytes(plan, network.classes) < surelyFits * memory) return { plan };
  let best: Required<MeasuredPlan> | undefined;
  for (let round = 1; ; round++) {
    const eighths = Math.max(1, Math.round((8 * (await measure(plan))) / memory));
    if (best === undefined || isBetter(eighths, best.eighths)) best = { plan, eighths };
    if (round === mostRounds || (eighths <= 8 && eighths >= fewEighths)) return best;
    const assumed = (estimatedBytes(plan, network.classes) * 8) / eighths;
    const next = planFor(cases, { ...network, memory: assumed });
    if (JSON.stringify(next) === JSON.stringify(plan)) return best;
    plan = next;
  }
}

/** Tells whether a step is better than another: the largest that fits, else the smallest. */
const isBetter = (eighths: number, than: number): boolean =>
  eighths <= 8 ? than > 8 || eighths > than : eighths < than;
