/** Returns numbers of an array as a plain list, without its iterator, which makes an object for each. */
export function numbersOf(sums: Float64Array, begin = 0, end: number = sums.length): readonly number[] {
  const list: number[] = [];
  for (let i = begin; i < end; i++) list.push(sums[i]!);
  return list;
}
