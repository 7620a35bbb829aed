import { numberOf } from "../attributes.js";
import { sizeOf } from "../operators/spec.js";
import { all, broadcast, type Kernel, type NumericArray } from "./array.js";

/** Adds one matrix product to `result`: rows x inner times inner x columns. */
function multiply(
  a: Float64Array,
  b: Float64Array,
  result: Float64Array,
  [rows, inner, columns]: readonly [number, number, number],
): void {
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < inner; k++) {
      const factor = a[row * inner + k]!;
      for (let column = 0; column < columns; column++) {
        result[row * columns + column]! += factor * b[k * columns + column]!;
      }
    }
  }
}

function transposed({ dims, data }: NumericArray): Float64Array {
  const [rows, columns] = dims as [number, number];
  return data.map((_, at) => data[(at % rows) * columns + Math.floor(at / rows)]!);
}

export const matmulKernels: Readonly<Record<string, Kernel>> = {
  MatMul: (inputs, node) => {
    const [a, b] = all(inputs) as [NumericArray, NumericArray];
    const left = a.dims.length === 1 ? [1, ...a.dims] : a.dims;
    const right = b.dims.length === 1 ? [...b.dims, 1] : b.dims;
    const sizes = [left.at(-2)!, left.at(-1)!, right.at(-1)!] as const;
    const [rows, inner, columns] = sizes;
    const batch = node.outputs[0]!.dims.slice(0, Math.max(left.length, right.length) - 2);
    const lefts = broadcast({ ...a, dims: left }, [...batch, rows, inner]);
    const rights = broadcast({ ...b, dims: right }, [...batch, inner, columns]);
    const many = sizeOf(batch);
    const result = new Float64Array(many * rows * columns);
    for (let each = 0; each < many; each++) {
      multiply(
        lefts.subarray(each * rows * inner, (each + 1) * rows * inner),
        rights.subarray(each * inner * columns, (each + 1) * inner * columns),
        result.subarray(each * rows * columns, (each + 1) * rows * columns),
        sizes,
      );
    }
    return [result];
  },
  Gemm: (inputs, node) => {
    const [a, b] = all(inputs) as [NumericArray, NumericArray];
    const [transA, transB] = [numberOf(node, "transA", 0), numberOf(node, "transB", 0)];
    const { dims } = node.outputs[0]!;
    const inner = a.dims[transA ? 0 : 1]!;
    const result = new Float64Array(dims[0]! * dims[1]!);
    multiply(transA ? transposed(a) : a.data, transB ? transposed(b) : b.data, result, [
      dims[0]!,
      inner,
      dims[1]!,
    ]);
    const [alpha, beta] = [numberOf(node, "alpha", 1), numberOf(node, "beta", 1)];
    const c = inputs[2] && broadcast(inputs[2], dims);
    return [result.map((value, at) => alpha * value + beta * (c?.[at] ?? 0))];
  },
};
