import type { CalibratorForm } from "@pixelcal/native";
import { call, native } from "../binding.js";
import type { SignalOption } from "../device.js";
import { BandMatrix } from "./band-matrix.js";
import { fitTemperature, leastScale, scaleSums, weakRidge } from "./fit-scales.js";
import { minimize } from "./newton.js";
import { flatRanges, type PixelSource, sumBlocks } from "./pixel-source.js";

type Cases = readonly number[] | undefined;

/**
 * Fits e of p'' = (1 - e) p' + e / C for each of `cells` cells by the likelihood of its pixels' labels, which
 * is concave in e: Newton's method between bounds that close in.
 */
export async function fitFloor(
  pixels: PixelSource,
  cases: Cases,
  form: CalibratorForm,
  { cells, signal }: SignalOption & { readonly cells: number },
): Promise<Float64Array> {
  const most = 0.999;
  const floors = new Float64Array(cells);
  const [low, high] = [new Float64Array(cells), new Float64Array(cells).fill(most)];
  for (let iteration = 0; iteration < 60; iteration++) {
    const sums = await sumBlocks(pixels, cases, 3 * cells, (block, ranges) =>
      call(native.floorSums, { ...block, ...form, floors, ranges: flatRanges(ranges) }, signal),
    );
    let largest = 0;
    for (let k = 0; k < cells; k++) {
      const [slope, curvature] = [sums[3 * k + 1]!, sums[3 * k + 2]!];
      const here = floors[k]!;
      if (slope > 0) low[k] = here;
      else high[k] = here;
      let next = curvature < 0 ? here - slope / curvature : here;
      if (!(next >= low[k]! && next <= high[k]!)) next = (low[k]! + high[k]!) / 2;
      floors[k] = next;
      largest = Math.max(largest, Math.abs(next - here));
    }
    if (largest < 1e-10) break;
  }
  return floors;
}

/**
 * Fits the weights of w1 softmax(scale z) + w2 softmax(z) + w3 / C, at least 0 with sum 1, to the fitted
 * temperature. The likelihood is concave in them.
 */
export async function fitMixture(
  pixels: PixelSource,
  cases: Cases,
  { signal }: SignalOption,
): Promise<{ readonly scale: number; readonly weights: number[] }> {
  const scale = await fitTemperature(pixels, cases, { ...(signal && { signal }) });
  const at = async (weights: readonly number[]): Promise<Float64Array> => {
    const form = { scales: Float64Array.of(scale), mixture: Float64Array.from(weights) };
    return sumBlocks(pixels, cases, 13, ({ cells: _, ...block }, ranges) =>
      call(native.mixtureSums, { ...block, ...form, ranges: flatRanges(ranges) }, signal),
    );
  };
  let weights = [0.8, 0.1, 0.1];
  for (let iteration = 0; iteration < 100; iteration++) {
    const sums = await at(weights);
    // EM where Newton's model of the likelihood is poor: far from the optimum.
    const step = iteration < 5 ? undefined : await simplexStep(weights, sums);
    const next = step ?? weights.map((w, j) => (w * sums[1 + j]!) / Math.max(sums[0]!, Number.MIN_VALUE));
    const change = Math.max(...next.map((w, j) => Math.abs(w - weights[j]!)));
    weights = next;
    if (change < 1e-10) break;
  }
  const sum = weights.reduce((all, w) => all + w, 0);
  return { scale, weights: weights.map((w) => w / sum) };
}

/** Returns the maximum over the simplex of the second-order model of the likelihood at `weights`. */
async function simplexStep(weights: readonly number[], sums: Float64Array): Promise<number[] | undefined> {
  const gradient = [1, 2, 3].map((i) => sums[i]! / sums[0]!);
  const hessian = (j: number, k: number): number => sums[4 + 3 * j + k]! / sums[0]!;
  let best: { point: number[]; gain: number } | undefined;
  for (let support = 1; support < 8; support++) {
    const free = [0, 1, 2].filter((j) => (support >> j) & 1);
    const point = [0, 0, 0];
    const last = free.at(-1)!;
    const others = free.slice(0, -1);
    point[last] = 1;
    const fixed = point.map((value, j) => value - weights[j]!);
    const slope = (j: number): number =>
      gradient[j]! + fixed.reduce((sum, d, k) => sum + hessian(j, k) * d, 0);
    const matrix = others.flatMap((j) =>
      others.map((k) => -(hessian(j, k) - hessian(j, last) - hessian(last, k) + hessian(last, last))),
    );
    const right = Float64Array.from(others, (j) => slope(j) - slope(last));
    const solution = others.length === 0 ? right : await BandMatrix.full(matrix).solve(right);
    others.forEach((j, i) => {
      point[j] = solution[i]!;
      point[last]! -= solution[i]!;
    });
    if (point.some((value) => value < 0)) continue;
    const d = point.map((value, j) => value - weights[j]!);
    const gain = d.reduce(
      (sum, dj, j) =>
        sum + dj * (gradient[j]! + 0.5 * d.reduce((inner, dk, k) => inner + hessian(j, k) * dk, 0)),
      0,
    );
    if (best === undefined || gain > best.gain) best = { point, gain };
  }
  return best?.point;
}

/**
 * Fits selective scaling: a logistic classifier of wrong pixels by the log-odds of the largest probability,
 * ln H and the gap of the two largest logits, then one scale for those it calls right and one for the others.
 */
export async function fitSelective(
  pixels: PixelSource,
  cases: Cases,
  { signal }: SignalOption,
): Promise<{ readonly weights: number[]; readonly scales: number[] }> {
  const { x } = await minimize(
    async (classifier) => {
      const sums = await sumBlocks(pixels, cases, 22, ({ cells: _, ...block }, ranges) =>
        call(native.wrongnessSums, { ...block, classifier, ranges: flatRanges(ranges) }, signal),
      );
      const total = Math.max(sums[0]!, Number.MIN_VALUE);
      const gradient = sums.slice(2, 6).map((g, j) => g / total + 1e-6 * classifier[j]!);
      const hessian = BandMatrix.full(sums.slice(6).map((h, at) => h / total + (at % 5 === 0 ? 1e-6 : 0)));
      const ridge = classifier.reduce((sum, w) => sum + w * w, 0) * 0.5e-6;
      return { value: sums[1]! / total + ridge, gradient, hessian };
    },
    Float64Array.of(-1, 0, 0, 0),
  );
  const problem = { placement: { classifier: x }, cells: 2, chain: 1, ...(signal && { signal }) };
  const scales = await minimize(
    async (values) => {
      const sums = await scaleSums(pixels, cases, problem, values);
      const total = Math.max(sums[0]! + sums[5]!, Number.MIN_VALUE);
      const off = values.map((value) => value - 1);
      const ridge = (off[0]! ** 2 + off[1]! ** 2) * (weakRidge / 2);
      return {
        value: (sums[1]! + sums[6]!) / total + ridge,
        gradient: off.map((d, k) => sums[5 * k + 2]! / total + weakRidge * d),
        hessian: BandMatrix.full([sums[3]! / total + weakRidge, 0, 0, sums[8]! / total + weakRidge]),
      };
    },
    Float64Array.of(1, 1),
    { lower: leastScale },
  );
  return { weights: [...x], scales: [...scales.x] };
}

/** The weight of the ridge that keeps an image's scale near the common one. */
const imageRidge = 1e-4;

/**
 * Fits one scale for each image, linear in its features: mean NLL + (1e-4 / 2) |weights - (temperature, 0, 0,
 * 0)|^2, with every fitted image's scale at least 0.02.
 */
export async function fitImage(
  pixels: PixelSource,
  cases: readonly number[],
  { measures, signal }: SignalOption & { readonly measures: readonly Float64Array[] },
): Promise<{ readonly weights: number[]; readonly least: number; readonly most: number }> {
  const anchor = await fitTemperature(pixels, cases, { ...(signal && { signal }) });
  const problem = {
    placement: { byCase: true },
    cells: measures.length,
    chain: 1,
    ...(signal && { signal }),
  };
  const scalesOf = (weights: Float64Array): Float64Array =>
    Float64Array.from(measures, (features) => features.reduce((sum, f, j) => sum + f * weights[j]!, 0));
  const { x } = await minimize(
    async (weights) => {
      const scales = scalesOf(weights);
      const possible = cases.every((index) => scales[index]! >= leastScale);
      const hessian = new BandMatrix(4);
      const gradient = new Float64Array(4);
      if (!possible) return { value: Number.POSITIVE_INFINITY, gradient, hessian };
      const sums = await scaleSums(
        pixels,
        cases,
        problem,
        scales.map((a) => Math.max(a, leastScale)),
      );
      let [loss, total] = [0, Number.MIN_VALUE];
      for (const index of cases) {
        total += sums[5 * index]!;
        loss += sums[5 * index + 1]!;
      }
      let value = loss / total;
      for (let j = 0; j < 4; j++) {
        const off = weights[j]! - (j === 0 ? anchor : 0);
        value += (imageRidge / 2) * off * off;
        gradient[j]! += imageRidge * off;
        hessian.add(j, j, imageRidge);
        for (const index of cases) {
          const feature = measures[index]![j]!;
          gradient[j]! += (feature * sums[5 * index + 2]!) / total;
          for (let k = 0; k <= j; k++)
            hessian.add(j, k, (feature * measures[index]![k]! * sums[5 * index + 3]!) / total);
        }
      }
      return { value, gradient, hessian };
    },
    Float64Array.of(anchor, 0, 0, 0),
  );
  const scales = scalesOf(x);
  const fitted = cases.map((index) => scales[index]!);
  return { weights: [...x], least: Math.min(...fitted), most: Math.max(...fitted) };
}
