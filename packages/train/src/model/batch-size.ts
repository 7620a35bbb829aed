import { sameDims } from "@pixelcal/core";
import { type DeclaredValue, type Graph, GraphError, rebatch } from "@pixelcal/graph";

/** Operators that exporters write a batch size into. */
const withSizes: ReadonlySet<string> = new Set(["Reshape", "Expand", "Tile", "Resize"]);

/** Returns the batch size of the images that a file declares; 1 if it leaves the size open. */
export function declaredBatch({ dims }: DeclaredValue): number {
  const batch = dims?.[0];
  return typeof batch === "number" && batch > 0 ? batch : 1;
}

/**
 * Lays a network out for a batch. Exporters write the batch size of their example into Reshape and the like,
 * which at another size fails, or takes channels of several images together; such a network is laid out for
 * the batch of its example, `own`, and repeated. Throws GraphError for a batch that is no multiple of `own`
 * if the network holds `own`.
 */
export function withBatch(batch: number, own: number, layOut: (batch: number) => Graph): Graph {
  if (batch === own) return layOut(batch);
  const direct = attempt(() => layOut(batch));
  if (direct instanceof Error ? !(direct instanceof GraphError) : !holdsSizes(direct)) return orThrow(direct);
  const example = attempt(() => layOut(own));
  // A network that cannot take its own batch at this size has another fault, which `direct` names better.
  if (example instanceof Error) return orThrow(direct);
  if (batch % own === 0) return rebatch(example, batch / own);
  if (!(direct instanceof Error) && sameLayout(rebatch(direct, own), rebatch(example, batch))) return direct;
  throw new GraphError("batch", `the file is written for batches of ${own} images; use a multiple of ${own}`);
}

const holdsSizes = ({ nodes }: Graph): boolean => nodes.some(({ opType }) => withSizes.has(opType));

function attempt(make: () => Graph): Graph | Error {
  try {
    return make();
  } catch (error) {
    if (error instanceof Error) return error;
    throw error;
  }
}

function orThrow(made: Graph | Error): Graph {
  if (made instanceof Error) throw made;
  return made;
}

const sameLayout = (a: Graph, b: Graph): boolean =>
  a.nodes.length === b.nodes.length &&
  a.nodes.every(({ opType, outputs }, i) => {
    const other = b.nodes[i]!;
    return opType === other.opType && outputs.every(({ dims }, k) => sameDims(dims, other.outputs[k]!.dims));
  });
