import { numberOf, textOf } from "../attributes.js";
import { contractAxis } from "../operators/contract-axis.js";
import { isKept, resizedAxes } from "../operators/resize.js";
import { resizeMatrix } from "../operators/resize-matrix.js";
import type { Lowering } from "./lowering.js";

/** The coordinate transforms that every provider has; others become one matrix product per axis. */
const common = new Set(["half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"]);

export const resizeLowerings: Readonly<Record<string, Lowering>> = {
  Resize: (node, [x]) => {
    const axes = resizedAxes(node);
    if (axes.every(isKept)) return [x!];
    const mode = textOf(node, "coordinate_transformation_mode", "half_pixel");
    const policy = textOf(node, "keep_aspect_ratio_policy", "stretch");
    const special = numberOf(node, "antialias", 0) !== 0 || numberOf(node, "exclude_outside", 0) !== 0;
    const plain = common.has(mode) && !special && policy === "stretch" && node.attributes.axes === undefined;
    const image = x!.dims.length === 4 || textOf(node, "mode", "nearest") !== "cubic";
    if (plain && image) return undefined;
    let value = x!;
    for (const axis of axes.filter((each) => !isKept(each))) {
      const { input, output } = axis;
      const matrix = resizeMatrix(node, axis);
      const turned = matrix.map((_, at) => matrix[(at % output) * input + Math.floor(at / output)]!);
      value = contractAxis(value, axis.axis, turned, output);
    }
    return [value];
  },
};
