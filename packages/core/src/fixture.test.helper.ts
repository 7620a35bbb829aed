// The fixture behind published values of losses and metrics: N = 2, C = 3, 6 x 7 pixels and the logits z[n,
// c, i, j] = 3 sin(1 + 2n + 3c + 0.9i + 0.5j) in float32.
import { readFileSync } from "node:fs";
import { type Labels, type Tensor, tensor } from "./tensor.js";

const [batch, classes, rows, columns] = [2, 3, 6, 7] as const;
export const pixels: number = rows * columns;

export const logits: Tensor<"float32"> = tensor(
  "float32",
  Float32Array.from({ length: batch * classes * pixels }, (_, at) => {
    const [n, c] = [Math.floor(at / (classes * pixels)), Math.floor(at / pixels) % classes];
    const [i, j] = [Math.floor(at / columns) % rows, at % columns];
    return 3 * Math.sin(1 + 2 * n + 3 * c + 0.9 * i + 0.5 * j);
  }),
  [batch, classes, rows, columns],
);

/**
 * The labels: in image 0 class 1 in rows 1-3, columns 1-3 and class 2 in rows 3-5, columns 4-6; in image 1
 * class 1 in rows 0-2, columns 2-5.
 */
export const labels: Tensor<"uint8"> = tensor(
  "uint8",
  Uint8Array.from({ length: batch * pixels }, (_, at) => {
    const [n, i, j] = [Math.floor(at / pixels), Math.floor(at / columns) % rows, at % columns];
    if (n === 1) return i <= 2 && j >= 2 && j <= 5 ? 1 : 0;
    if (i >= 1 && i <= 3 && j >= 1 && j <= 3) return 1;
    return i >= 3 && j >= 4 ? 2 : 0;
  }),
  [batch, rows, columns],
);

export const image: Tensor<"float32"> = tensor(
  "float32",
  Float32Array.from({ length: batch * pixels }, (_, at) =>
    Math.cos(0.3 * (Math.floor(at / columns) % rows) + 0.8 * (at % columns)),
  ),
  [batch, 1, rows, columns],
);

/** Applies softmax over axis 1 in double precision, rounded to float32. */
export function softmax({ data, dims }: Tensor<"float32">): Tensor<"float32"> {
  const [n, c, ...spatial] = dims as [number, number, ...number[]];
  const size = spatial.reduce((product, dim) => product * dim, 1);
  const probs = new Float32Array(data.length);
  for (let at = 0; at < n * size; at++) {
    const first = Math.floor(at / size) * c * size + (at % size);
    const values = Array.from({ length: c }, (_, k) => data[first + k * size]!);
    const exps = values.map((value) => Math.exp(value - Math.max(...values)));
    const sum = exps.reduce((total, exp) => total + exp, 0);
    exps.forEach((exp, k) => void (probs[first + k * size] = exp / sum));
  }
  return { type: "float32", data: probs, dims };
}

export const probs: Tensor<"float32"> = softmax(logits);

/** Returns image n of a batch, as a batch of one. */
export function only<T extends Tensor>(value: T, n: number): T {
  const length = value.data.length / value.dims[0]!;
  const data = value.data.slice(n * length, (n + 1) * length);
  return { ...value, data, dims: [1, ...value.dims.slice(1)] };
}

/** Returns a mask that is 1 where the label is not background. */
export function foreground({ data, dims }: Labels): Tensor<"uint8"> {
  return tensor(
    "uint8",
    Uint8Array.from(data, (label: number | bigint) => (Number(label) === 0 ? 0 : 1)),
    dims,
  );
}

export function golden<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(`../test/golden/${name}.json`, import.meta.url), "utf8")) as T;
}
