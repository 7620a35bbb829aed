/** Deeper than any configuration is; what lies below is no key of one and refused as such. */
const deepest = 64;

/**
 * A problem for each key that a JavaScript object takes for its prototype: it would be left out without a
 * word.
 */
export function forbiddenNames(json: unknown, path: readonly string[] = []): string[] {
  if (typeof json !== "object" || json === null || path.length > deepest) return [];
  return Object.keys(json).flatMap((key) => {
    const place = [...path, key];
    if (key === "__proto__") return [`${place.join(".")}: not allowed as a name`];
    return forbiddenNames((json as Record<string, unknown>)[key], place);
  });
}
