/**
 * The tables of calibrators that depend on the distance to the predicted boundary. The depth of a pixel is
 * the number of nested windows around it that hold one predicted label only, 0 to R; the side is 0 where the
 * predicted label is background and 1 elsewhere, or with `classes` the predicted label.
 */
export interface DistanceTable {
  /**
   * The half-widths of the windows for r = 1 to R, per spatial axis; each window is the one before it grown
   * by 0 or 1 on every axis.
   */
  readonly windows: readonly (readonly number[])[];
  readonly sides: "foreground" | "classes";
  /** The factor of the logits, 1/T, `[side][depth]`. */
  readonly scales: readonly (readonly number[])[];
  /** The weight of the penalty on differences between neighbouring depths. */
  readonly lambda: number;
  /** e of p'' = (1 - e) p' + e / C, `[side][depth]`. */
  readonly floor?: readonly (readonly number[])[];
}

/**
 * The parameters of each calibrator. z are the centred logits of a pixel, their mean over the C classes being
 * 0; p = softmax(z); l = argmax z, the first of equals.
 */
export interface CalibratorParameters {
  readonly none: Readonly<Record<string, never>>;
  /** softmax(scale z) (Guo et al., 2017) */
  readonly temperature: { readonly scale: number };
  /** softmax(scales[side][depth] z) */
  readonly "distance-temperature": DistanceTable;
  /**
   * u = scales[side][depth] z + shifts[side][depth], then u_l = max(u_l, max over the others + margin):
   * softmax(u)
   */
  readonly "distance-affine": DistanceTable & {
    readonly shifts: readonly (readonly (readonly number[])[])[];
    readonly margin: number;
  };
  /**
   * softmax(a z), a piecewise linear in ln(-sum p ln p) with these values at the knots, constant beyond them.
   */
  readonly "entropy-temperature": { readonly knots: readonly number[]; readonly scales: readonly number[] };
  /**
   * softmax(a z), one a for an image: weights . [1, mean entropy, share of predicted foreground, share of
   * depth 0], clipped to [least, most].
   */
  readonly "image-temperature": {
    readonly weights: readonly number[];
    readonly least: number;
    readonly most: number;
  };
  /** softmax(scales * z + shifts), per class (Guo et al., 2017) */
  readonly vector: { readonly scales: readonly number[]; readonly shifts: readonly number[] };
  /** softmax(W z + shifts) with off-diagonal and intercept regularisation (Kull et al., 2019) */
  readonly matrix: { readonly weights: readonly (readonly number[])[]; readonly shifts: readonly number[] };
  /** softmax(W ln p + shifts), ln p at least leastLog (Kull et al., 2019) */
  readonly dirichlet: {
    readonly weights: readonly (readonly number[])[];
    readonly shifts: readonly number[];
    readonly leastLog: number;
  };
  /** w1 softmax(scale z) + w2 softmax(z) + w3 / C (Zhang et al., 2020) */
  readonly "ensemble-temperature": { readonly scale: number; readonly weights: readonly number[] };
  /** q_c = sigmoid(scales[c] ln(p_c / (1 - p_c)) + shifts[c]), then q / sum q (Platt, 1999) */
  readonly platt: { readonly scales: readonly number[]; readonly shifts: readonly number[] };
  /** logit q_c = a[c] ln p_c - b[c] ln(1 - p_c) + c[c], then q / sum q (Kull et al., 2017) */
  readonly beta: {
    readonly a: readonly number[];
    readonly b: readonly number[];
    readonly c: readonly number[];
  };
  readonly isotonic: LevelTable;
  readonly histogram: LevelTable;
  readonly bbq: LevelTable;
  /**
   * softmax(z / T), T = max(T1 g + T2 (1 - g), 0.05) with T1 = f1 + 1, T2 = f2 + 1 and g = sigmoid(f3), the f
   * three filters of z with `taps` values per axis, `dilation` pixels apart; beyond the border they see the
   * border's values (Ding et al., 2021, the light form without the image).
   */
  readonly "local-temperature": {
    readonly taps: number;
    readonly dilation: number;
    /** `[3][C][taps^D]`, the taps in the order of the axes */
    readonly filters: readonly (readonly (readonly number[])[])[];
    readonly biases: readonly number[];
  };
  /**
   * softmax(scales[wrong] z): a logistic classifier, weights . [1, ln(p_l / (1 - p_l)), ln(-sum p ln p), gap
   * of the two largest z] > 0, says which pixels are wrong (Wang et al., 2023)
   */
  readonly selective: { readonly weights: readonly number[]; readonly scales: readonly number[] };
}

/**
 * One value q_c per class and level of x = ln(p_c / (1 - p_c)): values[c][clip(floor((x + limit) * levels /
 * (2 limit)), 0, levels - 1)]; then q / sum q, and p where the sum is 0.
 */
export interface LevelTable {
  readonly limit: number;
  /** `[C][levels]` */
  readonly values: readonly (readonly number[])[];
}

export type CalibratorName = keyof CalibratorParameters;

/** The methods that never change a label. */
export const labelKeepers: ReadonlySet<CalibratorName> = new Set<CalibratorName>([
  "none",
  "temperature",
  "distance-temperature",
  "distance-affine",
  "entropy-temperature",
  "image-temperature",
  "ensemble-temperature",
  "local-temperature",
  "selective",
]);
