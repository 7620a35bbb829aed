/** A graph that cannot be built: wrong types, shapes, attributes or names. The message names the node. */
export class GraphError extends Error {
  readonly code = "ERR_PIXELCAL_GRAPH";
  /** The node, input or attribute at fault. */
  readonly where: string;
  constructor(where: string, message: string) {
    super(`${where}: ${message}`);
    this.name = "GraphError";
    this.where = where;
  }
}

/** Makes the error "Conv_3: expected a weight of rank 4, got 5", or "Conv_3: missing; expected a weight". */
export function graphError(where: string, expected: string, got: unknown): GraphError {
  if (got === undefined) return new GraphError(where, `missing; expected ${expected}`);
  const text = Array.isArray(got) ? listed(got) : String(got);
  return new GraphError(where, `expected ${expected}, got ${text}`);
}

/** The most items of a list that a message shows: a file may hold a million numbers. */
const mostShown = 16;

function listed(values: readonly unknown[]): string {
  const shown = values.slice(0, mostShown).join(", ");
  return values.length > mostShown ? `[${shown}, ... (${values.length} in all)]` : `[${shown}]`;
}

/** Thrown for unsupported operators: lists all of them at once, sorted. */
export class UnsupportedOpError extends Error {
  readonly code = "ERR_PIXELCAL_UNSUPPORTED_OPERATOR";
  readonly opTypes: readonly string[];
  constructor(opTypes: Iterable<string>, what: string) {
    const sorted = [...new Set(opTypes)].sort();
    super(`${what}: ${sorted.join(", ")}`);
    this.name = "UnsupportedOpError";
    this.opTypes = sorted;
  }
}
