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

/** The error "Conv_3: expected a weight of rank 4, got 5". */
export function graphError(where: string, expected: string, got: unknown): GraphError {
  const text = Array.isArray(got) ? listed(got) : String(got);
  return new GraphError(where, `expected ${expected}, got ${text}`);
}

/** Enough of a list to see what it is: a file may hold a million numbers. */
const mostShown = 16;

function listed(values: readonly unknown[]): string {
  const shown = values.slice(0, mostShown).join(", ");
  return values.length > mostShown ? `[${shown}, ... (${values.length} in all)]` : `[${shown}]`;
}

/** Operators that a step does not know: all of them at once, sorted. */
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
