import { graphError } from "../errors.js";
import type { Value } from "../ir.js";
import { Add, Div, Mul, Tanh, Where } from "./elementwise.js";
import { MatMul } from "./matmul.js";
import { Expand, Reshape, Transpose } from "./movement.js";
import { Softmax } from "./reduction.js";
import { triangle } from "./triangle.js";

export interface AttentionOptions {
  /** Added to the scores [N, heads, queries, keys]; of type bool, true where a query may look. */
  readonly mask?: Value;
  /** Whether a query looks at no key after its own place. */
  readonly causal?: boolean;
  /** The factor on the scores; one over the square root of a head's size by default. */
  readonly scale?: number;
  /** The largest score, approached by a hyperbolic tangent; none by default. */
  readonly softcap?: number;
}

/** Low enough to leave nothing of a score behind a softmax. */
const hidden = -3e38;

/**
 * Computes scaled dot product attention of queries [N, heads, queries, size], keys and values [N, groups,
 * keys, size]: neighbouring heads share a group where there are fewer groups.
 */
export function Attention(q: Value, k: Value, v: Value, options: AttentionOptions = {}): Value {
  for (const value of [q, k, v]) {
    if (value.dims.length !== 4)
      throw graphError("Attention", "queries, keys and values [N, heads, length, size]", value.dims);
  }
  const { mask, causal, scale = 1 / Math.sqrt(q.dims[3]!), softcap = 0 } = options;
  const heads = q.dims[1]!;
  let scores = MatMul(Mul(q, scale), Transpose(shared(k, heads), [0, 1, 3, 2]));
  if (softcap > 0) scores = Mul(Tanh(Div(scores, softcap)), softcap);
  if (causal) {
    const size = scores.dims.slice(-2) as [number, number];
    scores = Where(triangle(scores.graph, size, 0), scores, hidden);
  }
  if (mask !== undefined) scores = mask.type === "bool" ? Where(mask, scores, hidden) : Add(scores, mask);
  return MatMul(Softmax(scores), shared(v, heads));
}

/** Repeats every group for each of its heads. */
function shared(x: Value, heads: number): Value {
  const [n, groups, length, size] = x.dims as [number, number, number, number];
  if (groups === heads) return x;
  if (heads % groups !== 0) throw graphError("Attention", `a divisor of ${heads} heads`, groups);
  const each = Reshape(x, [n, groups, 1, length, size]);
  return Reshape(Expand(each, [n, groups, heads / groups, length, size]), [n, heads, length, size]);
}
