/**
 * Unpacks a frame of RLE Lossless (PS3.5, annex G): up to 15 segments of PackBits, one per byte of a sample,
 * the highest byte first. Returns what is wrong, if anything is. Samples are interleaved in `out`, little
 * endian.
 */
export function unpackRle(
  packed: Uint8Array,
  out: Uint8Array,
  width: number,
  samples: number,
): string | undefined {
  if (packed.length < 64) return `${packed.length} bytes, less than the head of 64`;
  const view = new DataView(packed.buffer, packed.byteOffset, packed.byteLength);
  const segments = view.getUint32(0, true);
  if (segments !== width * samples) return `${segments} segments, expected ${width * samples}`;
  const pixels = out.length / (width * samples);
  for (let segment = 0; segment < segments; segment++) {
    const start = view.getUint32(4 + 4 * segment, true);
    const next = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : packed.length;
    if (start < 64 || next < start || next > packed.length)
      return `segment ${segment + 1} from byte ${start} to ${next}`;
    const sample = Math.floor(segment / width);
    const byte = width - 1 - (segment % width);
    const done = unpackSegment(packed, start, next, out, sample * width + byte, width * samples, pixels);
    if (done !== pixels) return `segment ${segment + 1} unpacks to ${done} of ${pixels} bytes`;
  }
  return undefined;
}

/** Unpacks one segment to every `stride`-th byte; returns the number of bytes, which stops at `count`. */
function unpackSegment(
  packed: Uint8Array,
  start: number,
  end: number,
  out: Uint8Array,
  first: number,
  stride: number,
  count: number,
): number {
  let done = 0;
  let to = first;
  for (let at = start; at < end && done < count; ) {
    const head = packed[at++]!;
    if (head === 128) continue;
    const length = head < 128 ? head + 1 : 257 - head;
    if (head < 128 && at + length > end) return done;
    if (head > 128 && at >= end) return done;
    const taken = Math.min(length, count - done);
    if (head < 128) {
      for (let i = 0; i < taken; i++, to += stride) out[to] = packed[at + i]!;
      at += length;
    } else {
      const value = packed[at++]!;
      for (let i = 0; i < taken; i++, to += stride) out[to] = value;
    }
    done += taken;
  }
  return done;
}
