import { invalidArgument } from "@pixelcal/core";
import { inTurns } from "../data/in-turns.js";

/**
 * Returns the finite values at some ranks, counted from 0, of the ascending order: by counting the values of
 * each leading half of the bits, then of each trailing half, so that nothing is sorted and no long call
 * blocks.
 */
export async function valuesAtRanks(values: Float32Array, ranks: readonly number[]): Promise<number[]> {
  const bits = new Uint32Array(values.buffer, values.byteOffset, values.length);
  const leading = new Float64Array(1 << 16);
  await inTurns(bits.length, (begin, end) => {
    for (let i = begin; i < end; i++) leading[ordered(bits[i]!) >>> 16]! += 1;
  });
  const places = ranks.map((rank) => rankIn(leading, rank));
  const trailing = new Map(places.map(({ index }) => [index, new Float64Array(1 << 16)]));
  await inTurns(bits.length, (begin, end) => {
    for (let i = begin; i < end; i++) {
      const key = ordered(bits[i]!);
      const counts = trailing.get(key >>> 16);
      if (counts !== undefined) counts[key & 0xffff]! += 1;
    }
  });
  return places.map(({ index, rest }) =>
    valueOfKey(((index << 16) | rankIn(trailing.get(index)!, rest).index) >>> 0),
  );
}

/** Returns percentiles of values, interpolated linearly as numpy does. */
export async function percentiles(values: Float32Array, of: readonly number[]): Promise<number[]> {
  const places = of.map((percent) => (percent / 100) * (values.length - 1));
  const ranks = places.flatMap((place) => [Math.floor(place), Math.ceil(place)]);
  const found = await valuesAtRanks(values, ranks);
  return places.map((place, i) => {
    const [below, above] = [found[2 * i]!, found[2 * i + 1]!];
    return below + (above - below) * (place - Math.floor(place));
  });
}

/** Returns the mean and the standard deviation of values, over all of them (not n - 1). */
export async function meanAndSd(values: Float32Array): Promise<{ mean: number; sd: number }> {
  let [sum, squares] = [0, 0];
  await inTurns(values.length, (begin, end) => {
    for (let i = begin; i < end; i++) sum += values[i]!;
  });
  const mean = sum / values.length;
  await inTurns(values.length, (begin, end) => {
    for (let i = begin; i < end; i++) squares += (values[i]! - mean) ** 2;
  });
  return { mean, sd: Math.sqrt(squares / values.length) };
}

/** Returns the bits of a float32 as an integer that is ordered as the numbers are. */
const ordered = (bits: number): number => (bits >>> 31 ? ~bits : bits | 0x80000000) >>> 0;

const view = new DataView(new ArrayBuffer(4));

function valueOfKey(key: number): number {
  view.setUint32(0, key >>> 31 ? key & 0x7fffffff : ~key);
  return view.getFloat32(0);
}

function rankIn(counts: Float64Array, rank: number): { readonly index: number; readonly rest: number } {
  let rest = rank;
  for (let index = 0; index < counts.length; index++) {
    if (rest < counts[index]!) return { index, rest };
    rest -= counts[index]!;
  }
  throw invalidArgument("ranks", "ranks below the number of values", rank);
}
