// The file in which a child reports its current input and the outcomes of earlier ones.

/**
 * The limits of an input: processor seconds (a busy machine is not a hang), wall-clock seconds (a blocked
 * read is one) and memory. The first input may take `starting` seconds more, because the child is still
 * loading the packages.
 */
export const budget = { cpuSeconds: 2, wallSeconds: 30, starting: 10, bytes: 64 * 2 ** 20 };

const buffer = Buffer.alloc(24);

export function encodeBeat(index, { accepted, refused }) {
  buffer.writeDoubleLE(index, 0);
  buffer.writeDoubleLE(accepted, 8);
  buffer.writeDoubleLE(refused, 16);
  return buffer;
}

export function decodeBeat(bytes) {
  return { index: bytes.readDoubleLE(0), accepted: bytes.readDoubleLE(8), refused: bytes.readDoubleLE(16) };
}
