/** One split of cross-validation, by the indexes of cases. */
export interface Fold {
  readonly train: readonly number[];
  readonly test: readonly number[];
}

/**
 * Splits cases into at most `count` folds of whole groups, the groups in turn by their first appearance;
 * none with fewer than two groups.
 */
export function groupFolds(cases: readonly number[], groups: readonly string[], count: number): Fold[] {
  const order = [...new Set(cases.map((index) => groups[index]!))];
  const folds = Math.min(count, order.length);
  if (folds < 2) return [];
  const foldOf = new Map(order.map((group, i) => [group, i % folds]));
  return Array.from({ length: folds }, (_, fold) => ({
    train: cases.filter((index) => foldOf.get(groups[index]!) !== fold),
    test: cases.filter((index) => foldOf.get(groups[index]!) === fold),
  }));
}
