/** Returns the affine from voxels to RAS as three rows of four; the columns of missing axes are 0. */
export function affineRas({ direction, spacing, origin }) {
  const axes = [0, 1, 2].map((axis) => direction[axis]?.map((part) => part * spacing[axis]) ?? [0, 0, 0]);
  return [0, 1, 2].map((row) => {
    const sign = row < 2 ? -1 : 1;
    return [...axes.map((vector) => sign * vector[row]), sign * origin[row]];
  });
}

/** Returns the values with channels fastest, as files that interleave them hold them. */
export function slowestLast({ data, channels = 1 }) {
  const count = data.length / channels;
  const out = new data.constructor(data.length);
  for (let i = 0; i < data.length; i++) out[i] = data[(i % channels) * count + Math.floor(i / channels)];
  return out;
}
