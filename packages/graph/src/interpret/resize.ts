import { isKept, resizedAxes } from "../operators/resize.js";
import { resizeMatrix } from "../operators/resize-matrix.js";
import { around, type Kernel } from "./array.js";

export const resizeKernels: Readonly<Record<string, Kernel>> = {
  Resize: (inputs, node) => {
    const dims = [...inputs[0]!.dims];
    let data = inputs[0]!.data;
    for (const resized of resizedAxes(node).filter((axis) => !isKept(axis))) {
      const matrix = resizeMatrix(node, resized);
      const { outer, size, inner } = around(dims, resized.axis);
      const result = new Float64Array(outer * resized.output * inner);
      for (let block = 0; block < outer; block++) {
        for (let to = 0; to < resized.output; to++) {
          for (let from = 0; from < size; from++) {
            const weight = matrix[to * size + from]!;
            if (weight === 0) continue;
            for (let k = 0; k < inner; k++) {
              result[(block * resized.output + to) * inner + k]! +=
                weight * data[(block * size + from) * inner + k]!;
            }
          }
        }
      }
      dims[resized.axis] = resized.output;
      data = result;
    }
    return [data];
  },
};
