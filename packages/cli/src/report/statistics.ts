/** Mean and spread of one metric over cases; `undefined` counts the cases in which the metric is NaN. */
export interface Summary {
  readonly mean: number;
  /** Sample standard deviation (n - 1); NaN for fewer than two cases. */
  readonly deviation: number;
  readonly cases: number;
  readonly undefined: number;
}

/** Summarises the values of one metric; NaN values are left out of the mean and counted, infinite ones are not left out. */
export function summarize(values: readonly number[]): Summary {
  const defined = values.filter((value) => !Number.isNaN(value));
  const n = defined.length;
  const mean = defined.reduce((sum, value) => sum + value, 0) / n;
  const squares = defined.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return {
    mean,
    deviation: n < 2 ? Number.NaN : Math.sqrt(squares / (n - 1)),
    cases: values.length,
    undefined: values.length - n,
  };
}
