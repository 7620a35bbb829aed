// Core's public functions and classes: every export, called as documented and in other ways.
import { core } from "../dist.mjs";
import { abused, disturb, strangeValue } from "./values.mjs";

const floats = (length) => Float32Array.from({ length }, (_, i) => ((i * 37) % 100) / 100);

function tensors(random) {
  const size = random.pick([[4, 4], [2, 3, 4], [8]]);
  const classes = random.pick([2, 3]);
  const pixels = size.reduce((a, b) => a * b);
  const probs = floats(classes * pixels);
  for (let i = 0; i < pixels; i++) {
    const sum = Array.from({ length: classes }, (_, c) => probs[c * pixels + i]).reduce(
      (a, b) => a + b,
      1e-3,
    );
    for (let c = 0; c < classes; c++) probs[c * pixels + i] /= sum;
  }
  const tensor = (type, data, dims) => ({ type, data, dims });
  const labels = tensor(
    "uint8",
    Uint8Array.from({ length: pixels }, (_, i) => i % classes),
    [1, ...size],
  );
  const mask = tensor(
    "uint8",
    labels.data.map((value) => value & 1),
    [1, ...size],
  );
  return { size, classes, pixels, labels, mask, probs: tensor("float32", probs, [1, classes, ...size]) };
}

/** Valid arguments of a function, by its name without "Sync". */
const valid = (random) => {
  const { size, classes, labels, mask, probs } = tensors(random);
  const spacing = size.map(() => 1.5);
  const planes = { ...probs, dims: probs.dims.slice(1) };
  const bins = () => core.calibrationBinsSync(probs, labels, { bins: 4, of: "classes" });
  const rings = () => core.boundaryCalibrationSync(probs, labels, { bins: 4, of: "classes" });
  const one = () => core.binsOfClass(bins(), 1);
  const confusion = () => core.confusionCountsSync(labels, labels, { classes });
  const counts = () => core.overlapCounts(confusion(), 1, 0);
  const arrays = () => [floats(6), floats(2)];
  const update = () => ({ parameters: arrays(), gradients: arrays(), learningRate: 0.1 });
  const classed = [{ classes, ignore: 255 }];
  return {
    tensor: () => ["float32", floats(6), [2, 3]],
    elementCount: () => [[2, 3]],
    distanceTransform: () => [mask, { spacing, squared: true }],
    signedDistance: () => [labels, { classes, spacing, normalize: "max" }],
    surfaceDistances: () => [mask, mask, { spacing, convention: "deepmind", tolerance: 2 }],
    labelSurfaceDistances: () => [
      labels,
      labels,
      { classes, regions: [[1]], spacing, tolerance: [1], percentile: 90 },
    ],
    morphology: () => [mask, { op: "closing", radius: 2, structure: "cross" }],
    packMask: () => [mask, {}],
    unpackMask: () => [core.packMaskSync(mask), {}],
    softLabels: () => [labels, { classes, preset: "original", kernel: "gaussian", size: 3, sigma: 1 }],
    labelTargets: () => [
      labels,
      { classes, oneHot: true, signedDistance: { normalize: "max" }, softLabels: {} },
    ],
    calibrationBins: () => [probs, labels, { bins: 5, of: "foreground", ignore: 1 }],
    calibrationHistograms: () => [probs, labels, [{ bins: 5 }, { bins: 3, of: "classes" }], { ignore: 1 }],
    mergeBins: () => [bins(), bins()],
    binsOfClass: () => [bins(), 1],
    argMax: () => [probs, {}],
    confusionCounts: () => [labels, labels, { classes, ignore: 1 }],
    overlapCounts: () => [confusion(), 1, 0],
    diceScore: () => [counts(), {}],
    intersectionOverUnion: () => [counts(), {}],
    probabilityScores: () => [probs, labels, { ignore: 1 }],
    brierScore: () => [core.probabilityScoresSync(probs, labels, {})],
    negativeLogLikelihood: () => [core.probabilityScoresSync(probs, labels, {})],
    pixelExpectedCalibrationError: () => [one(), { falsePositiveWeight: 2 }],
    ...Object.fromEntries(
      ["average", "classwiseExpected", "expected", "maximum", "rootMeanSquare"].map((name) => [
        `${name}CalibrationError`,
        () => [name === "classwiseExpected" ? bins() : one()],
      ]),
    ),
    reliability: () => [one()],
    BoundaryCalibrationMetric: () => [{ classes, bins: 4, rings: [-1, 0, 2], of: "classes" }],
    CalibrationMetric: () => [{ classes, bins: 4, of: "classes" }],
    OverlapMetric: () => classed,
    ProbabilityScoreMetric: () => classed,
    SurfaceDistanceMetric: () => [{ classes, regions: "both", spacing, tolerance: 1 }],
    TemperatureMetric: () => classed,
    CaseScorer: () => [
      {
        classes,
        ...{ histograms: [{ bins: 5 }], floors: [0], confusion: true },
        ...{ rings: [{ rings: [-1, 2], of: "top-label" }], hashes: true },
      },
    ],
    borderLevels: () => [
      labels,
      { classes, form: "scaled-border", normalize: "none", absent: "far", spacing },
    ],
    borderDistances: () => [labels, { classes, ignore: 1 }],
    warpImage: () => [planes, { size, offset: size.map(() => 0.5) }],
    warpLabels: () => [labels, { size }],
    resampleImage: () => [planes, { size, interpolation: "cubic" }],
    resampleLabels: () => [labels, { size }],
    changeIntensity: () => [planes, { change: "contrast", amounts: Array(classes).fill(0.5) }],
    ringTargets: () => [labels, { classes, inner: 0.9, outer: 0.1, ignore: 1 }],
    mixedPixels: () => [probs, { limit: 0.75 }],
    weightedSums: () => [
      { type: "float64", dims: [2, 3], data: new Float64Array(6).fill(2) },
      { type: "float64", dims: [3, 4], data: new Float64Array(12).fill(1) },
    ],
    constraintSums: () => [
      probs,
      labels,
      { margin: 2, ignore: 1, multipliers: Array(classes).fill(1), parameters: Array(classes).fill(2) },
    ],
    Calibrator: () => ["temperature", classes, { scale: 0.5 }],
    boundaryCalibration: () => [probs, labels, { bins: 4, rings: [-1, 0, 1], spacing, ignore: 1 }],
    temperatureSketch: () => [probs, labels, { ignore: 1 }],
    fittedTemperature: () => [core.temperatureSketchSync(probs, labels, {})],
    mergeBoundaryBins: () => [rings(), rings()],
    boundaryRings: () => [rings(), 0],
    boundaryBand: () => [rings(), { from: -1, to: 1 }],
    connectedComponents: () => [mask, { connectivity: "faces" }],
    lesionTables: () => [labels, labels, { classes, probs, spacing }],
    lesionScores: () => [labels, labels, { classes, convention: "centroid", spacing }],
    conventionalErrors: () => [probs, labels, { convention: "netcal", bins: 5 }],
    centerlineCounts: () => [labels, labels, { classes }],
    centerlineDice: () => [{ predicted: 2, predictedShared: 1, truth: 3, truthShared: 2 }],
    smoothCalibrationError: () => [one()],
    pixelRiskCoverage: () => [one()],
    riskCoverage: () => [
      [0.5, 0.9],
      [0, 1],
    ],
    regionVolumes: () => [counts(), 0.5],
    adamwUpdate: () => [{ ...update(), averages: arrays(), squares: arrays(), step: 1 }],
    sgdUpdate: () => [{ ...update(), momentum: 0.9, velocities: arrays() }],
    gradientNorm: () => [{ gradients: arrays() }],
    float16Bits: () => [new Uint16Array(4)],
    toDevice: () => [probs, "cuda"],
  };
};

// Other packages check their options with these, by names from the program. `zeros` allocates what it is
// asked for.
const helpers =
  /^(check\w*|nearestName|optionNames|unknownOption|invalidArgument|InvalidArgumentError|holds|Random|DeviceTensor|zeros)$/;
const names = Object.keys(core).filter((name) => typeof core[name] === "function" && !helpers.test(name));
const isClass = (name) => /^class\b/.test(Function.prototype.toString.call(core[name]));
const isMetric = (name) => typeof core[name].restore === "function";

/** Takes a metric through its whole life with strange arguments: construction, updates, merging, states. */
async function live(Metric, args, { update, other, state }) {
  const metric = new Metric(...args);
  await metric.update(...update);
  metric.merge(other ?? new Metric(...args));
  metric.compute();
  Metric.restore(state ?? metric.state()).compute();
}

function make(random) {
  const name = random.pick(names);
  const all = valid(random);
  const right = (all[name.replace(/Sync$/, "")] ?? random.pick(Object.values(all)))();
  const strange = () => strangeValue(random);
  const args = random.oneIn(10) ? right : random.oneIn(12) ? right.map(strange) : abused(right, random);
  const call = { name, args: Array.isArray(args) ? args : right };
  if (!isMetric(name)) return { ...call, disturbed: random.oneIn(4) ? random : undefined };
  const { probs, labels } = tensors(random);
  const given = [probs, labels, { spacing: undefined }];
  const update = random.oneIn(3) ? given : abused(given, random);
  const sometimes = () => (random.oneIn(3) ? strange() : undefined);
  return { ...call, life: { update, other: sometimes(), state: sometimes() } };
}

export { names, valid };

export const coreTarget = {
  name: "core",
  kind: "core",
  share: 0.4,
  rate: 2000,
  make,
  run({ name, args, life, disturbed }) {
    if (life) return live(core[name], args, life);
    const result = isClass(name) ? new core[name](...args) : core[name](...args);
    if (disturbed) disturb(args, disturbed);
    return result;
  },
};
