/**
 * Finds a shorter part of `bytes` that is still the `same`: halves, quarters and so on are left out, a few
 * hundred times at most.
 */
export async function minimised(bytes, same, attempts = 300) {
  let best = bytes;
  let left = attempts;
  for (
    let size = Math.ceil(best.length / 2);
    size >= 1 && left > 0;
    size = size === 1 ? 0 : Math.ceil(size / 2)
  ) {
    for (let at = 0; at < best.length && left > 0; ) {
      const shorter = new Uint8Array(Buffer.concat([best.subarray(0, at), best.subarray(at + size)]));
      left -= 1;
      if (await same(shorter)) best = shorter;
      else at += size;
    }
  }
  return best;
}
