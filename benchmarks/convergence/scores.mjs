// The sums of one case over its pixels, and a temperature. Every column of the table follows from such sums,
// of one case or of several added up.
import {
  argMax,
  calibratedPixelExpectedCalibrationError,
  calibrationHistograms,
  confusionCounts,
  falsePositiveBrierScore,
  overlapCounts,
  pixelExpectedCalibrationError,
  signedDistance,
  tensor,
} from "@pixelcal/core";

export const bins = 10;
/** The reach of the band around the predicted boundary, in pixels to either side. */
const reach = 2;

const numbered = (name) => Array.from({ length: bins }, (_, m) => `${name}${m}`);

/** Returns the names of a row's numbers: sums over pixels, but for the two pECE, which are the case's own. */
export const columnsOf = (classes) => [
  "pixels",
  "nll",
  "brier",
  "fpBrier",
  "pECE",
  "pECE if calibrated",
  ...Array.from({ length: classes - 1 }, (_, c) => [
    `hit${c + 1}`,
    `predicted${c + 1}`,
    `true${c + 1}`,
  ]).flat(),
  ...numbered("top"), // sum of confidence - correctness, by bin of the top label
  ...numbered("excess"), // sum of p (p - y) of the foreground, by its bin
  ...numbered("fg"), // sum of p - y of the foreground
  "near",
  ...numbered("near"), // as top, of the pixels near the predicted boundary
];

const perPixel = (data, classes) => {
  const pixels = data.length / classes;
  return { pixels, at: (i, c) => data[c * pixels + i] };
};

/** Sums -ln p_label and softmax of logits [1, C, ...] divided by a temperature; both in float64. */
function softmax({ data, dims }, labels, temperature) {
  const classes = dims[1];
  const { pixels, at } = perPixel(data, classes);
  const probs = new Float32Array(data.length);
  const exps = new Float64Array(classes);
  let nll = 0;
  let brier = 0;
  for (let i = 0; i < pixels; i++) {
    let largest = Number.NEGATIVE_INFINITY;
    for (let c = 0; c < classes; c++) largest = Math.max(largest, at(i, c));
    let total = 0;
    for (let c = 0; c < classes; c++) total += exps[c] = Math.exp((at(i, c) - largest) / temperature);
    const label = labels[i];
    nll += Math.log(total) - (at(i, label) - largest) / temperature;
    for (let c = 0; c < classes; c++) {
      const p = exps[c] / total;
      probs[c * pixels + i] = p;
      brier += (p - (c === label ? 1 : 0)) ** 2;
    }
  }
  return { probs: tensor("float32", probs, dims), nll, brier };
}

/** Returns 1 where a pixel is within `reach` of a boundary between predicted classes. */
async function nearBoundary(predicted, classes) {
  const distances = await signedDistance(predicted, { classes, normalize: "none", absent: "far" });
  const { pixels, at } = perPixel(distances.data, classes);
  const mask = new Uint8Array(pixels);
  for (let i = 0; i < pixels; i++) {
    for (let c = 0; c < classes; c++) if (Math.abs(at(i, c)) <= reach) mask[i] = 1;
  }
  return tensor("uint8", mask, predicted.dims);
}

const gaps = ({ confidenceSum, accuracySum }) => Array.from(confidenceSum, (sum, m) => sum - accuracySum[m]);
const excess = ({ squaredConfidenceSum, confidenceSum, falsePositiveSum }) =>
  Array.from(squaredConfidenceSum, (sum, m) => sum - (confidenceSum[m] - falsePositiveSum[m]));

/** Returns the numbers of `columnsOf` for logits [1, C, ...] of a case and its labels [1, ...]. */
export async function caseRow(logits, labels, temperature = 1) {
  const classes = logits.dims[1];
  const { probs, nll, brier } = softmax(logits, labels.data, temperature);
  const predicted = await argMax(probs);
  const confusion = await confusionCounts(predicted, labels, { classes });
  const mask = await nearBoundary(predicted, classes);
  // The reference's pECE leaves pixels of p = 0 out of its bins.
  const published = { bins, includeLowest: false, squares: true };
  const [foreground, top, reference] = await calibrationHistograms(probs, labels, [
    { bins, squares: true },
    { bins, of: "top-label" },
    published,
  ]);
  const [near] = await calibrationHistograms(probs, labels, [{ bins, of: "top-label" }], { mask });
  const pixels = labels.data.length;
  const overlap = Array.from({ length: classes - 1 }, (_, c) => {
    const { truePositive, falsePositive, falseNegative } = overlapCounts(confusion, c + 1);
    return [truePositive, truePositive + falsePositive, truePositive + falseNegative];
  });
  return [
    pixels,
    nll,
    brier,
    falsePositiveBrierScore(foreground) * pixels,
    pixelExpectedCalibrationError(reference),
    calibratedPixelExpectedCalibrationError(reference),
    ...overlap.flat(),
    ...gaps(top),
    ...excess(foreground),
    ...gaps(foreground),
    near.total[0],
    ...gaps(near),
  ];
}

/**
 * Returns the temperature T at which softmax(z / T) has the least negative log-likelihood over cases of
 * `logits` [1, C, ...] and `labels`: Newton's method in 1 / T, in which the mean is convex.
 */
export function fitTemperature(cases) {
  const derivatives = (a) => {
    let [slope, curvature, value] = [0, 0, 0];
    for (const { logits, labels } of cases) {
      const classes = logits.dims[1];
      const { pixels, at } = perPixel(logits.data, classes);
      for (let i = 0; i < pixels; i++) {
        let largest = Number.NEGATIVE_INFINITY;
        for (let c = 0; c < classes; c++) largest = Math.max(largest, at(i, c));
        let [total, first, second] = [0, 0, 0];
        for (let c = 0; c < classes; c++) {
          const z = at(i, c) - largest;
          const weight = Math.exp(a * z);
          total += weight;
          first += weight * z;
          second += weight * z * z;
        }
        const own = at(i, labels.data[i]) - largest;
        value += Math.log(total) - a * own;
        slope += first / total - own;
        curvature += second / total - (first / total) ** 2;
      }
    }
    return { value, slope, curvature };
  };
  let a = 1;
  let here = derivatives(a);
  for (let step = 0; step < 50; step++) {
    const move = -here.slope / here.curvature;
    if (Math.abs(move) < 1e-7 * a) break;
    let size = 1;
    let next = derivatives(Math.max(a + move, a / 4));
    while (next.value > here.value && size > 1e-6) {
      size /= 2;
      next = derivatives(Math.max(a + size * move, a / 4));
    }
    a = Math.max(a + size * move, a / 4);
    here = next;
  }
  return 1 / a;
}
