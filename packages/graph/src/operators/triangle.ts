import { fromNumbers } from "../data-types.js";
import type { Graph, Value } from "../ir.js";
import { GreaterOrEqual, LessOrEqual } from "./elementwise.js";

/** Larger masks are computed by comparing rows and columns. */
const mostElements = 1 << 12;

/** Returns a mask of the lower or upper triangle of a matrix [rows, columns], the k-th diagonal included. */
export function triangle(
  graph: Graph,
  [rows, columns]: readonly [number, number],
  k: number,
  upper = false,
): Value {
  if (rows * columns <= mostElements) {
    const data = Uint8Array.from({ length: rows * columns }, (_, at) => {
      const offset = (at % columns) - Math.floor(at / columns) - k;
      return Number(upper ? offset >= 0 : offset <= 0);
    });
    return graph.constant({ type: "bool", dims: [rows, columns], data });
  }
  const places = (count: number, shift: number, dims: readonly number[]): Value =>
    graph.constant(
      fromNumbers(
        "float32",
        Float32Array.from({ length: count }, (_, at) => at + shift),
        dims,
      ),
    );
  const [row, column] = [places(rows, k, [rows, 1]), places(columns, 0, [1, columns])];
  return upper ? GreaterOrEqual(column, row) : LessOrEqual(column, row);
}
