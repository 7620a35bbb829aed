/** Unpacks PackBits into `out`; returns false if the data ends early. */
export function unpackBits(packed: Uint8Array, out: Uint8Array): boolean {
  let to = 0;
  for (let at = 0; at < packed.length && to < out.length; ) {
    const code = packed[at++]!;
    if (code < 128) {
      const part = packed.subarray(at, Math.min(at + code + 1, at + out.length - to));
      out.set(part, to);
      to += part.length;
      at += code + 1;
    } else if (code > 128) {
      const count = Math.min(257 - code, out.length - to);
      if (at >= packed.length) return false;
      out.fill(packed[at++]!, to, to + count);
      to += count;
    }
  }
  return to === out.length;
}

const clear = 256;
const end = 257;

/**
 * Unpacks TIFF's LZW (highest bit first, codes widen one code early) into `out`; returns false for damage.
 */
export function unpackLzw(packed: Uint8Array, out: Uint8Array): boolean {
  // A code is the string of another code and one byte.
  const before = new Uint16Array(4096);
  const last = new Uint8Array(4096);
  const lengths = new Uint16Array(4096);
  for (let i = 0; i < 256; i++) {
    last[i] = i;
    lengths[i] = 1;
  }
  let next = 258;
  let width = 9;
  let previous = -1;
  let to = 0;
  let bits = 0;
  let held = 0;
  for (let at = 0; to < out.length; ) {
    while (held < width) {
      if (at >= packed.length) return false;
      bits = ((bits << 8) | packed[at++]!) & 0xffffff;
      held += 8;
    }
    const code = (bits >> (held - width)) & ((1 << width) - 1);
    held -= width;
    if (code === end) return false;
    if (code === clear) {
      next = 258;
      width = 9;
      previous = -1;
      continue;
    }
    if (code > next || (code === next && previous < 0)) return false;
    const known = code < next && (code < 256 || code > 257);
    if (!known && code !== next) return false;
    const source = known ? code : previous;
    const length = lengths[source]! + (known ? 0 : 1);
    // Strings are read from their ends.
    let letter = source;
    for (let i = lengths[source]! - 1; i >= 0; i--) {
      if (to + i < out.length) out[to + i] = last[letter]!;
      if (i > 0) letter = before[letter]!;
    }
    const first = last[letter]!;
    if (!known && to + length - 1 < out.length) out[to + length - 1] = first;
    to += length;
    if (previous >= 0 && next < 4096) {
      before[next] = previous;
      last[next] = first;
      lengths[next] = lengths[previous]! + 1;
      next++;
    }
    previous = code;
    if (next >= (1 << width) - 1 && width < 12) width++;
  }
  return true;
}

/** Undoes the horizontal predictor of one row of samples in the machine's byte order. */
export function undoPredictor(row: Uint8Array | Uint16Array | Uint32Array, samples: number): void {
  for (let i = samples; i < row.length; i++) row[i]! += row[i - samples]!;
}
