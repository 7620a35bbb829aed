/**
 * Returns the values that never fall along their order and are nearest to `values` in weighted squares (pool
 * adjacent violators). Values without weight get the value of the pool before them, at the start NaN.
 */
export function isotonic(values: ArrayLike<number>, weights: ArrayLike<number>): Float64Array {
  const pools: { sum: number; weight: number; length: number }[] = [];
  const fitted = new Float64Array(values.length).fill(Number.NaN);
  let leading = 0;
  for (let i = 0; i < values.length; i++) {
    const weight = weights[i]!;
    if (!(weight > 0)) {
      if (pools.length === 0) leading++;
      else pools.at(-1)!.length++;
      continue;
    }
    let pool = { sum: values[i]! * weight, weight, length: 1 };
    for (
      let before = pools.at(-1);
      before && before.sum * pool.weight >= pool.sum * before.weight;
      before = pools.at(-1)
    ) {
      pools.pop();
      pool = {
        sum: before.sum + pool.sum,
        weight: before.weight + pool.weight,
        length: before.length + pool.length,
      };
    }
    pools.push(pool);
  }
  let at = leading;
  for (const { sum, weight, length } of pools) {
    fitted.fill(sum / weight, at, at + length);
    at += length;
  }
  return fitted;
}
