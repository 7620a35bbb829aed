import { InvalidArgumentError, ignoredInRegion, type Region } from "@pixelcal/core";
import {
  type EvaluateOptions,
  type Evaluation,
  type EvaluationCase,
  type EvaluationRow,
  evaluate,
  summaryOf,
} from "./evaluate.js";
import { predictedProbabilities, type ValueReading } from "./predicted-probabilities.js";
import { casesOfRegions } from "./regions.js";

/**
 * Returns a case of stored values as the two-class cases of its regions, whose ignored pixels have the label
 * `ignoredInRegion`.
 */
export async function regionsOfCase(
  item: EvaluationCase,
  regions: readonly Region[],
  { heads = false, ...reading }: ValueReading & Pick<EvaluateRegionsOptions, "heads"> = {},
): Promise<readonly EvaluationCase[]> {
  const refuse = (what: string, cause?: Error): never => {
    throw new InvalidArgumentError(item.name, `${item.name}: probs: ${what}`, { cause });
  };
  // Heads are checked one by one; classes must be probabilities together.
  const probs = heads ? item.probs : await predictedProbabilities(item.probs, item.labels, reading, refuse);
  const { ignore, signal } = reading;
  return casesOfRegions({ ...item, probs }, regions, { heads, ignore, signal });
}

export interface EvaluateRegionsOptions extends Omit<EvaluateOptions, "classes" | "cases" | "onCase"> {
  /**
   * Whether channels are sigmoid heads, one per region in their order, instead of classes that exclude each
   * other; default false.
   */
  readonly heads?: boolean;
  onCase?(name: string): void;
}

/**
 * Returns the scores of every region by its name. Each region is scored on its own, as two classes: regions
 * may overlap, so nothing is averaged over them. A region's probability is the sum over its labels, or its
 * head; its predicted mask is where that exceeds one half. Throws as `evaluate` does.
 */
export async function evaluateRegions(
  source: AsyncIterable<EvaluationCase> | Iterable<EvaluationCase>,
  regions: readonly Region[],
  { heads = false, onCase, transform, ...options }: EvaluateRegionsOptions = {},
): Promise<ReadonlyMap<string, Evaluation>> {
  const rows = new Map(regions.map(({ name }): [string, EvaluationRow[]] => [name, []]));
  const { ignore, signal } = options;
  const each = { ...options, classes: 2, ...(ignore === undefined ? {} : { ignore: ignoredInRegion }) };
  for await (const item of source) {
    const parts = await regionsOfCase(item, regions, { heads, transform, ignore, signal });
    for (const [i, { name }] of regions.entries()) {
      const { rows: scored } = await evaluate([parts[i]!], each);
      rows.get(name)!.push(...scored);
    }
    onCase?.(item.name);
  }
  if ([...rows.values()].some((list) => list.length === 0))
    throw new InvalidArgumentError("cases", "cases: needs at least one case");
  return new Map([...rows].map(([name, list]) => [name, summaryOf(list)]));
}
