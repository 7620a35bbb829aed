import type { CalibratorName, CalibratorParameters } from "@pixelcal/core";
import { ops, type Value } from "@pixelcal/graph";
import { depthOf } from "./depth.js";
import { distanceAffine, distanceTemperature } from "./distance-graphs.js";
import {
  asNumber,
  centred,
  entropyOf,
  exponentialsOf,
  isLabel,
  kept,
  labelsOf,
  largestOther,
  linear,
  logEntropyOf,
  logOddsOf,
  logProbabilitiesOf,
  numbers,
  perClass,
  probabilitiesOf,
  raised,
  safeLog,
} from "./distributions.js";

/**
 * Adds a calibrator's operators to the graph of the logits [N, C, ...spatial]: returns calibrated logits of
 * the same dims, whose softmax is what the calibrator's `apply` returns. No operator depends on the batch or
 * the spatial size, and every one is in ONNX from set 11 on.
 */
type CalibratorGraphs = {
  readonly [Name in CalibratorName]: (z: Value, parameters: CalibratorParameters[Name]) => Value;
};

/** The largest log-odds that platt and beta see, as in core. */
const limit = 16;

/** Functions of one probability per class: softmax divides them by their sum. */
function oneVersusRest(z: Value, logit: (logOdds: Value) => Value): Value {
  const { logP, logNotP } = logOddsOf(z);
  return logSigmoid(logit(ops.Max(ops.Min(ops.Sub(logP, logNotP), limit), -limit)));
}

const logSigmoid = (x: Value): Value => ops.Neg(ops.Softplus(ops.Neg(x)));

/** Looks up a level of the log-odds of every class; where all are 0, nothing changes. */
function binned(z: Value, { limit: reach, values }: CalibratorParameters["isotonic"]): Value {
  const { logP, logNotP } = logOddsOf(z);
  const levels = values[0]!.length;
  const place = ops.Floor(ops.Mul(ops.Add(ops.Sub(logP, logNotP), reach), levels / (2 * reach)));
  const first = perClass(
    z,
    values.map((_, c) => c * levels),
  );
  const at = ops.Cast(ops.Add(ops.Max(ops.Min(place, levels - 1), 0), first), "int32");
  const table = numbers(z.graph, values.flat(), [values.length * levels]);
  const probabilities = ops.Gather(table, at);
  const sum = ops.ReduceSum(probabilities, [1]);
  const some = asNumber(ops.Greater(sum, 0));
  return ops.Add(ops.Mul(some, safeLog(probabilities)), ops.Mul(ops.Sub(1, some), z));
}

/** Returns a function that is linear between knots and constant beyond the first and last. */
function piecewise(x: Value, knots: readonly number[], values: readonly number[]): Value {
  const steps = knots.slice(1).map((knot, i) => knot - knots[i]!);
  const ramps = ops.Div(ops.Sub(x, perClass(x, knots.slice(0, -1))), perClass(x, steps));
  const rises = values.slice(1).map((value, i) => value - values[i]!);
  return linear(ops.Max(ops.Min(ramps, 1), 0), [rises], [values[0]!]);
}

function imageTemperature(z: Value, parameters: CalibratorParameters["image-temperature"]): Value {
  const { weights, least, most } = parameters;
  const labels = labelsOf(z);
  const axes = [...z.dims.keys()].slice(1);
  const average = (x: Value): Value => ops.ReduceMean(x, axes);
  const [neighbours] = [z.dims.slice(2).map(() => 1)];
  const features = [
    average(entropyOf(exponentialsOf(z))),
    average(ops.Min(labels, 1)),
    average(ops.Sub(1, depthOf(labels, [neighbours]))),
  ];
  const scale = features.reduce(
    (sum, x, i) => ops.Add(sum, ops.Mul(x, weights[i + 1]!)),
    ops.Add(ops.Mul(features[0]!, 0), weights[0]!),
  );
  return raised(ops.Mul(z, ops.Max(ops.Min(scale, most), least)), isLabel(z, labels));
}

/** Divides by a temperature that filters of the logits around each pixel make; see core's parameters. */
function localTemperature(z: Value, parameters: CalibratorParameters["local-temperature"]): Value {
  const { taps, dilation, filters, biases } = parameters;
  const spatial = z.dims.slice(2);
  const pads = spatial.map(() => ((taps - 1) / 2) * dilation);
  const padded = ops.Pad(centred(z), [0, 0, ...pads, 0, 0, ...pads], { mode: "edge" });
  const kernel = numbers(z.graph, filters.flat(2), [3, z.dims[1]!, ...spatial.map(() => taps)]);
  const maps = ops.Conv(padded, kernel, numbers(z.graph, biases, [3]), {
    dilations: spatial.map(() => dilation),
  });
  const [first, second, gate] = [0, 1, 2].map((i) => ops.Slice(maps, [i], [i + 1], [1]));
  const share = ops.Sigmoid(gate!);
  const mixed = ops.Add(ops.Mul(ops.Add(first!, 1), share), ops.Mul(ops.Add(second!, 1), ops.Sub(1, share)));
  return raised(ops.Div(z, ops.Max(mixed, 0.05)), isLabel(z, labelsOf(z)));
}

function selective(z: Value, { weights, scales }: CalibratorParameters["selective"]): Value {
  const [bias, ...slopes] = weights;
  const label = isLabel(z, labelsOf(z));
  const all = exponentialsOf(z);
  const others = ops.ReduceSum(ops.Mul(all.exponentials, ops.Sub(1, label)), [1]);
  const features = [ops.Neg(safeLog(others)), logEntropyOf(all), ops.Neg(largestOther(all.shifted, label))];
  const score = features.map((x, i) => ops.Mul(x, slopes[i]!)).reduce((a, b) => ops.Add(a, b));
  const scale = ops.Where(ops.Greater(ops.Add(score, bias!), 0), scales[1]!, scales[0]!);
  return raised(ops.Mul(z, scale), label);
}

function ensemble(z: Value, parameters: CalibratorParameters["ensemble-temperature"]): Value {
  const [cooled, own, even] = parameters.weights;
  const mixed = ops.Add(
    ops.Mul(probabilitiesOf(ops.Mul(z, parameters.scale)), cooled!),
    ops.Mul(probabilitiesOf(z), own!),
  );
  return kept(safeLog(ops.Add(mixed, even! / z.dims[1]!)), isLabel(z, labelsOf(z)));
}

const calibratorGraph: CalibratorGraphs = {
  none: (z) => ops.Identity(z),
  temperature: (z, { scale }) => raised(ops.Mul(z, scale), isLabel(z, labelsOf(z))),
  "distance-temperature": distanceTemperature,
  "distance-affine": distanceAffine,
  "entropy-temperature": (z, { knots, scales }) =>
    raised(ops.Mul(z, piecewise(logEntropyOf(exponentialsOf(z)), knots, scales)), isLabel(z, labelsOf(z))),
  "image-temperature": imageTemperature,
  vector: (z, { scales, shifts }) => ops.Add(ops.Mul(centred(z), perClass(z, scales)), perClass(z, shifts)),
  matrix: (z, { weights, shifts }) => linear(centred(z), weights, shifts),
  dirichlet: (z, { weights, shifts, leastLog }) =>
    linear(ops.Max(logProbabilitiesOf(z), leastLog), weights, shifts),
  "ensemble-temperature": ensemble,
  platt: (z, { scales, shifts }) =>
    oneVersusRest(z, (x) => ops.Add(ops.Mul(x, perClass(z, scales)), perClass(z, shifts))),
  beta: (z, { a, b, c }) =>
    oneVersusRest(z, (x) =>
      ops.Add(
        ops.Sub(ops.Mul(logSigmoid(x), perClass(z, a)), ops.Mul(logSigmoid(ops.Neg(x)), perClass(z, b))),
        perClass(z, c),
      ),
    ),
  isotonic: binned,
  histogram: binned,
  bbq: binned,
  "local-temperature": localTemperature,
  selective,
};

/** Adds the operators of any calibrator; see {@link calibratorGraph}. */
export function addCalibrator<Name extends CalibratorName>(
  z: Value,
  { name, parameters }: { readonly name: Name; readonly parameters: CalibratorParameters[Name] },
): Value {
  return calibratorGraph[name](z, parameters);
}
