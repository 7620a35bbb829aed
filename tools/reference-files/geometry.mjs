/** Returns the affine from voxels to RAS as three rows of four; axes that a volume lacks are left out. */
export function affineRas({ direction, spacing, origin }) {
  const axes = [0, 1, 2].map((axis) => direction[axis]?.map((part) => part * spacing[axis]));
  const normal = axes[2] ?? direction[2] ?? cross(direction[0], direction[1]);
  return [0, 1, 2].map((row) => {
    const sign = row < 2 ? -1 : 1;
    return [...[axes[0], axes[1], normal].map((vector) => sign * vector[row]), sign * origin[row]];
  });
}

const cross = ([a, b, c], [d, e, f]) => [b * f - c * e, c * d - a * f, a * e - b * d];

/** Returns the values with channels fastest, as files that interleave them hold them. */
export function slowestLast({ data, channels = 1 }) {
  const count = data.length / channels;
  const out = new data.constructor(data.length);
  for (let i = 0; i < data.length; i++) out[i] = data[(i % channels) * count + Math.floor(i / channels)];
  return out;
}
