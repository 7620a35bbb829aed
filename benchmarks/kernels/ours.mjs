// Our side of the kernel benchmarks: one function per row, on inputs read from files.
import { readFileSync } from "node:fs";
import {
  adamwUpdateSync,
  calibrationHistogramsSync,
  classwiseExpectedCalibrationError,
  connectedComponentsSync,
  distanceTransformSync,
  expectedCalibrationError,
  morphologySync,
  packMaskSync,
  pixelExpectedCalibrationError,
  signedDistanceSync,
  softLabelsSync,
  surfaceDistancesSync,
  tensor,
  unpackMaskSync,
  zeros,
} from "@pixelcal/core";
import { float32ToFloat16 } from "@pixelcal/io";

const types = { Uint8Array: "uint8", BigInt64Array: "int64", Float32Array: "float32" };
const arrays = { Uint8Array, BigInt64Array, Float32Array };

function load(files) {
  const bytes = (file) => {
    const { buffer } = new Uint8Array(readFileSync(file));
    return buffer;
  };
  return Object.fromEntries(
    Object.entries(files).map(([name, { file, type }]) => [
      name,
      { type, data: new arrays[type](bytes(file)) },
    ]),
  );
}

const sum = ({ data }) => data.reduce((total, value) => total + value, 0);

/**
 * Returns the forms of a call: `into` writes to memory given for its result, `fresh` allocates it, and
 * `check` is a number of the result that the peer's must equal.
 */
export function prepare({ op, options, files }) {
  const arrays = load(files);
  const of = (name, dims) => tensor(types[arrays[name].type], arrays[name].data, dims);
  return operations[op](of, options);
}

const operations = {
  distanceTransform(of, { dims }) {
    const mask = of("mask", [1, ...dims]);
    return writing("float32", mask.dims, (options) => distanceTransformSync(mask, options), sum);
  },
  signedDistance(of, { dims, classes }) {
    const labels = of("labels", dims);
    const out = [dims[0], classes, ...dims.slice(1)];
    return writing("float32", out, (options) => signedDistanceSync(labels, { classes, ...options }), sum);
  },
  softLabels(of, { dims, classes, morphology, kernel }) {
    const labels = of("labels", dims);
    const fixed = { preset: "reference", classes, morphology, kernel };
    const out = [dims[0], classes, ...dims.slice(1)];
    return writing("float32", out, (options) => softLabelsSync(labels, { ...fixed, ...options }), sum);
  },
  calibration(of, { dims, classes, type }) {
    const read = of("probs", [1, classes, ...dims]);
    const probs = type === "float16" ? tensor(type, float32ToFloat16(read.data), read.dims) : read;
    const labels = of("labels", [1, ...dims]);
    const histograms = [{}, { of: "classes", threshold: 1e-3 }];
    const into = () => {
      const [foreground, each] = calibrationHistogramsSync(probs, labels, histograms);
      return [
        pixelExpectedCalibrationError(foreground),
        expectedCalibrationError(foreground),
        classwiseExpectedCalibrationError(each),
      ];
    };
    return { into, check: () => into().reduce((total, value) => total + value, 0) };
  },
  surfaceDistances(of, { dims }) {
    const [a, b] = [of("a", [1, ...dims]), of("b", [1, ...dims])];
    const into = () => surfaceDistancesSync(a, b, { convention: "reference" });
    return { into, check: () => into()[0].hd95 };
  },
  connectedComponents(of, { dims, connectivity }) {
    const mask = of("mask", [1, ...dims]);
    const out = zeros("int32", mask.dims);
    return {
      into: () => connectedComponentsSync(mask, { connectivity, out }),
      fresh: () => connectedComponentsSync(mask, { connectivity }),
      check: () => connectedComponentsSync(mask, { connectivity, out }).counts[0],
    };
  },
  morphology(of, { dims, op, radius }) {
    const mask = of("mask", [1, ...dims]);
    return writing("uint8", mask.dims, (options) => morphologySync(mask, { op, radius, ...options }), sum);
  },
  packedMorphology(of, { dims, op, radius }) {
    const border = "zero"; // Leptonica's
    const mask = packMaskSync(of("mask", [1, ...dims]));
    const out = packMaskSync(of("mask", [1, ...dims]));
    const into = () => morphologySync(mask, { op, radius, border, out });
    return {
      into,
      fresh: () => morphologySync(mask, { op, radius, border }),
      check: () => sum(unpackMaskSync(into())),
    };
  },
  adamw(of, { dims }) {
    const [parameters, gradients] = ["values", "gradient"].map((name) => [of(name, dims).data]);
    const [averages, squares] = [0, 1].map(() => [new Float32Array(parameters[0].length)]);
    let step = 0;
    const into = () => {
      step++;
      adamwUpdateSync({
        parameters,
        gradients,
        averages,
        squares,
        step,
        learningRate: 1e-3,
        weightDecay: 1e-2,
      });
    };
    const check = () => {
      into();
      return sum({ data: parameters[0] });
    };
    return { into, check };
  },
};

/** Returns the forms of a kernel that writes a tensor. */
function writing(type, dims, kernel, check) {
  const out = zeros(type, dims);
  return { into: () => kernel({ out }), fresh: () => kernel({}), check: () => check(kernel({ out })) };
}
