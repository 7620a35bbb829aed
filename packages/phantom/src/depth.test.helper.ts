/** Returns the depth by looking at the rings around every pixel, one after the other. */
export function depthOf(predicted: Uint8Array, side: number, radius: number): Uint8Array {
  const isOther = (a: number, b: number, label: number): boolean =>
    a >= 0 && a < side && b >= 0 && b < side && predicted[a * side + b] !== label;
  return predicted.map((label, i) => {
    const [y, x] = [Math.floor(i / side), i % side];
    for (let r = 1; r <= radius; r++)
      for (let k = -r; k <= r; k++) {
        const vertical = isOther(y + k, x - r, label) || isOther(y + k, x + r, label);
        if (vertical || isOther(y - r, x + k, label) || isOther(y + r, x + k, label)) return r - 1;
      }
    return radius;
  });
}
