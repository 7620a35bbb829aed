import { numberOf } from "../attributes.js";
import { graphError } from "../errors.js";
import { normalAxis, requireDims, required, requireRank, type ShapeRule, type ValueInfo } from "./spec.js";

export const normalizationShapes: Readonly<Record<string, ShapeRule>> = {
  BatchNormalization: (spec) => {
    const x = required(spec, 0);
    requireRank(spec, x, 2, 8);
    const channels = [x.dims[1]!];
    for (let index = 1; index < 5; index++) requireDims(spec, required(spec, index), channels);
    const y: ValueInfo = { type: x.type, dims: x.dims };
    if (numberOf(spec, "training_mode", 0) === 0 || spec.outputCount === 1) return [y];
    const type = required(spec, 3).type;
    return [y, { type, dims: channels }, { type, dims: channels }];
  },
  InstanceNormalization: (spec) => {
    const x = required(spec, 0);
    requireRank(spec, x, 3, 8);
    for (let index = 1; index < 3; index++) requireDims(spec, required(spec, index), [x.dims[1]!]);
    return [{ type: x.type, dims: x.dims }];
  },
  LayerNormalization: (spec) => {
    const x = required(spec, 0);
    const axis = normalAxis(spec, numberOf(spec, "axis", -1), x.dims.length);
    for (const value of [required(spec, 1), spec.inputs[2]]) {
      const dims = value?.dims ?? [];
      const fits = dims.every((size, at) => [1, x.dims[at - dims.length + x.dims.length]].includes(size));
      if (!fits || dims.length > x.dims.length) {
        throw graphError(spec.name, `${value!.name} that broadcasts to [${x.dims.join(", ")}]`, dims);
      }
    }
    const y: ValueInfo = { type: x.type, dims: x.dims };
    if ((spec.outputCount ?? 1) === 1) return [y];
    const moments: ValueInfo = { type: x.type, dims: x.dims.map((size, at) => (at < axis ? size : 1)) };
    return [y, moments, moments];
  },
};
