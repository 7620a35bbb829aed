// The report of a child about itself in a file of its own: its present input and the outcomes of earlier
// ones.

/**
 * Per input: processor seconds (a busy machine is no hang), wall-clock seconds (a blocked read
 * is one), and memory. The first one may take longer by the seconds of `starting`: the child
 * then still loads the packages.
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
