import { affineOf, columnsOfThree, cross, dot, flipXY, norm, scaleBy } from "./geometry.js";
import type { NiftiForms } from "./nifti-geometry.js";
import type { Grid, Vector } from "./volume.js";

/** The code of a form that gives places in the scanner's coordinates. */
const scanner = 1;

/** The code of a form that gives places in some other image's coordinates. */
const aligned = 2;

/**
 * Returns the fields that place a grid's voxels: sform and qform, or the sform alone for axes that are not
 * perpendicular, which a qform cannot express.
 */
export function formsOf(grid: Grid, units: string | undefined): NiftiForms {
  const columns = columnsOfThree(affineOf(grid).columns.map(flipXY));
  const origin = flipXY(grid.origin);
  const sizes = columns.map(norm);
  const axes = columns.map((column, axis) => scaleBy(column, 1 / sizes[axis]!));
  const [x, y, z] = axes as [Vector, Vector, Vector];
  const perpendicular = [dot(x, y), dot(y, z), dot(x, z)].every((cosine) => Math.abs(cosine) < 1e-6);
  const handed = dot(cross(x, y), z) < 0 ? -1 : 1;
  return {
    pixdim: [perpendicular ? handed : 1, ...sizes],
    qformCode: perpendicular ? scanner : 0,
    sformCode: perpendicular ? scanner : aligned,
    quaternion: perpendicular ? quaternionOf([x, y, scaleBy(z, handed)]) : [0, 0, 0],
    qoffset: perpendicular ? origin : [0, 0, 0],
    sform: ([0, 1, 2] as const).map((row) => [...columns.map((column) => column[row]), origin[row]]),
    xyztUnits: units === "unknown" ? 0 : 2,
  };
}

/** Returns b, c and d of the quaternion of a rotation, by the method of nifti1_io. */
function quaternionOf([x, y, z]: readonly [Vector, Vector, Vector]): Vector {
  const trace = x[0] + y[1] + z[2] + 1;
  if (trace > 0.5) {
    const a = 0.5 * Math.sqrt(trace);
    return [(0.25 * (y[2] - z[1])) / a, (0.25 * (z[0] - x[2])) / a, (0.25 * (x[1] - y[0])) / a];
  }
  // Near half turns the largest of b, c and d is found first.
  const squares = [1 + x[0] - y[1] - z[2], 1 + y[1] - x[0] - z[2], 1 + z[2] - x[0] - y[1]] as const;
  const most = Math.max(...squares);
  const long = 0.5 * Math.sqrt(most);
  const part = (sum: number): number => (0.25 * sum) / long;
  const [xy, xz, yz] = [part(y[0] + x[1]), part(z[0] + x[2]), part(z[1] + y[2])];
  const [quaternion, a]: [Vector, number] =
    squares[0] === most
      ? [[long, xy, xz], y[2] - z[1]]
      : squares[1] === most
        ? [[xy, long, yz], z[0] - x[2]]
        : [[xz, yz, long], x[1] - y[0]];
  return a < 0 ? scaleBy(quaternion, -1) : quaternion;
}
