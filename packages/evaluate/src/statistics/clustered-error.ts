/** The residuals (confidence minus accuracy, summed) and numbers of pixels of cases, [cases][bins]. */
export interface Residuals {
  readonly residuals: readonly ArrayLike<number>[];
  readonly counts: readonly ArrayLike<number>[];
}

/** A calibration error without the part that chance adds. */
export interface ClusteredError {
  /** The estimate of the mean squared gap, which has no bias and may be below 0. */
  readonly squared: number;
  /** The root of the squared estimate, 0 where that is below 0. */
  readonly value: number;
}

/**
 * Returns the calibration error of the l2 norm, debiased by case: the sum over bins of w_b [(sum_i R_ib)^2 -
 * sum_i R_ib^2] / [(sum_i m_ib)^2 - sum_i m_ib^2] with the residual sums R and pixels m of case i and the
 * share w_b of the bin's pixels. Only products of two different cases remain, so pixels of a case may err
 * together. Bins that only one case has are left out; NaN where all are.
 */
export function clusteredError({ residuals, counts }: Residuals): ClusteredError {
  const bins = counts[0]?.length ?? 0;
  let [sum, weight] = [0, 0];
  for (let b = 0; b < bins; b++) {
    let [r, rr, m, mm] = [0, 0, 0, 0];
    for (let i = 0; i < counts.length; i++) {
      const [residual, count] = [residuals[i]![b]!, counts[i]![b]!];
      r += residual;
      rr += residual * residual;
      m += count;
      mm += count * count;
    }
    const pairs = m * m - mm;
    if (!(pairs > 0)) continue;
    sum += (m * (r * r - rr)) / pairs;
    weight += m;
  }
  const squared = sum / weight;
  return { squared, value: Math.sqrt(Math.max(0, squared)) };
}
