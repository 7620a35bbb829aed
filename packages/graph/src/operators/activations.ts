import type { Value } from "../ir.js";
import {
  Add,
  Div,
  Elu,
  Erf,
  Greater,
  Less,
  Mul,
  Sigmoid,
  Softplus,
  Sub,
  Tanh,
  Where,
} from "./elementwise.js";

// Activations that ONNX has, some of them later than `OPSET`, in terms of others.

/** Returns x times the normal distribution's function at x, or its approximation by a hyperbolic tangent. */
export function Gelu(x: Value, options: { readonly approximate?: "none" | "tanh" } = {}): Value {
  const share =
    options.approximate === "tanh"
      ? Tanh(Mul(Mul(x, Add(Mul(Mul(x, x), 0.044715), 1)), Math.sqrt(2 / Math.PI)))
      : Erf(Mul(x, Math.SQRT1_2));
  return Mul(Mul(x, 0.5), Add(share, 1));
}

export const Mish = (x: Value): Value => Mul(x, Tanh(Softplus(x)));

/** Returns x times the sigmoid of alpha x. */
export const Swish = (x: Value, alpha = 1): Value => Mul(x, Sigmoid(alpha === 1 ? x : Mul(x, alpha)));

export const Selu = (x: Value, alpha = 1.6732631921768188, gamma = 1.0507010221481323): Value =>
  Mul(Elu(x, alpha), gamma);

/** Returns x where it is positive, else alpha (exp(x / alpha) - 1). */
export const Celu = (x: Value, alpha = 1): Value => Mul(Elu(Div(x, alpha)), alpha);

export const ThresholdedRelu = (x: Value, alpha = 1): Value => Where(Greater(x, alpha), x, 0);

/** Moves x towards zero by `bias`; what is nearer to zero than `lambd` becomes zero. */
export const Shrink = (x: Value, lambd = 0.5, bias = 0): Value =>
  Where(Greater(x, lambd), Sub(x, bias), Where(Less(x, -lambd), Add(x, bias), 0));
