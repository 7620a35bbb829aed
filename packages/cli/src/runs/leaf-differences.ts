/** A leaf in which two JSON values differ; the values as JSON, or "absent". */
export interface LeafDifference {
  readonly path: string;
  readonly before: string;
  readonly after: string;
}

/** Lists the leaves in which two JSON values differ. */
export function leafDifferences(
  before: unknown,
  after: unknown,
  path: readonly string[] = [],
): readonly LeafDifference[] {
  const record = (value: unknown): value is Record<string, unknown> =>
    typeof value === "object" && value !== null;
  if (record(before) && record(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
    const of = (value: Record<string, unknown>, key: string): unknown =>
      Object.hasOwn(value, key) ? value[key] : undefined;
    return [...keys].flatMap((key) => leafDifferences(of(before, key), of(after, key), [...path, key]));
  }
  const text = (value: unknown): string => JSON.stringify(value) ?? "absent";
  return before === after ? [] : [{ path: path.join("."), before: text(before), after: text(after) }];
}
