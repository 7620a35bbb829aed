/** Deeper than any configuration; keys below it are refused as unknown. */
const deepest = 64;

/**
 * Returns a problem for each key that a JavaScript object takes for its prototype: it would be left out
 * silently.
 */
export function forbiddenNames(json: unknown, path: readonly string[] = []): string[] {
  if (typeof json !== "object" || json === null || path.length > deepest) return [];
  return Object.keys(json).flatMap((key) => {
    const place = [...path, key];
    if (key === "__proto__") return [`${place.join(".")}: not allowed as a name`];
    return forbiddenNames((json as Record<string, unknown>)[key], place);
  });
}
