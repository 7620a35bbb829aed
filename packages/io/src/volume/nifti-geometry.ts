import { FormatError } from "../errors.js";
import { type Affine, flipXY, gridOf, norm, scaleBy } from "./geometry.js";
import type { Grid, ReadSettings, Vector } from "./volume.js";

/** The fields of a NIfTI header that place the voxels; RAS, in the file's unit. */
export interface NiftiForms {
  /** The fields pixdim[0..3]; the first is qfac, the handedness of the qform. */
  readonly pixdim: readonly number[];
  readonly qformCode: number;
  readonly sformCode: number;
  readonly quaternion: Vector;
  readonly qoffset: Vector;
  /** The three rows of the sform, four numbers each. */
  readonly sform: readonly (readonly number[])[];
  readonly xyztUnits: number;
}

export interface NiftiGrid {
  readonly grid: Grid;
  readonly units: string;
  readonly notes: readonly string[];
}

const lengths: ReadonlyMap<number, readonly [name: string, millimetres: number]> = new Map([
  [0, ["unknown", 1]],
  [1, ["m", 1000]],
  [2, ["mm", 1]],
  [3, ["um", 0.001]],
]);

function sformOf({ sform }: NiftiForms): Affine {
  const column = (axis: number): Vector => [sform[0]![axis]!, sform[1]![axis]!, sform[2]![axis]!];
  return { columns: [column(0), column(1), column(2)], origin: column(3) };
}

/** Converts the quaternion into a matrix, as nifti1_io does; qfac -1 reverses the third axis. */
function qformOf({ pixdim, quaternion: [b, c, d], qoffset }: NiftiForms): Affine {
  let a = 1 - (b * b + c * c + d * d);
  let [x, y, z] = [b, c, d];
  if (a < 1e-7) {
    // After a half turn, or rounding, the quaternion is normalised.
    const length = Math.hypot(b, c, d);
    [x, y, z] = [b / length, c / length, d / length];
    a = 0;
  } else a = Math.sqrt(a);
  const qfac = pixdim[0]! < 0 ? -1 : 1;
  const [dx, dy, dz] = [pixdim[1]!, pixdim[2]!, pixdim[3]! * qfac];
  const first: Vector = [a * a + x * x - y * y - z * z, 2 * (x * y + a * z), 2 * (x * z - a * y)];
  const second: Vector = [2 * (x * y - a * z), a * a + y * y - x * x - z * z, 2 * (y * z + a * x)];
  const third: Vector = [2 * (x * z + a * y), 2 * (y * z - a * x), a * a + z * z - x * x - y * y];
  return { columns: [scaleBy(first, dx), scaleBy(second, dy), scaleBy(third, dz)], origin: qoffset };
}

/**
 * Returns whether both matrices agree within 1 % on the length of every axis that has more than one voxel.
 */
const agree = (columns: readonly Vector[], pixdim: readonly number[], axes: readonly number[]): boolean =>
  axes.every((axis) => Math.abs(norm(columns[axis]!) - pixdim[axis + 1]!) <= 0.01 * pixdim[axis + 1]!);

const list = (values: readonly number[]): string =>
  values.map((value) => Number(value.toPrecision(6))).join(" x ");

/**
 * Returns the grid by the geometry rule: the affine is the sform if its code is positive, else the qform if
 * its code is, else the diagonal of pixdim. If the sform's column lengths and pixdim differ by more than 1 %,
 * the qform is taken if it agrees with pixdim; else `spacingFrom` decides, and without it the file is refused
 * as "spacing-ambiguous".
 */
export function niftiGrid(
  path: string,
  stored: readonly number[],
  forms: NiftiForms,
  { spacingFrom }: Pick<ReadSettings, "spacingFrom">,
): NiftiGrid {
  const notes: string[] = [];
  const code = forms.xyztUnits & 7;
  const unit = lengths.get(code);
  if (!unit) throw new FormatError(path, "xyzt_units", `${code} is no unit of length (0, 1 m, 2 mm, 3 um)`);
  const [units, factor] = unit;
  if (units === "unknown") notes.push("the unit of length is not given; mm is assumed");
  // The pixdim of axes that the image does not have is not read.
  const axes = stored.map((_, axis) => axis);
  const pixdim = forms.pixdim.map((size, i) => (i === 0 || i <= stored.length ? size : size > 0 ? size : 1));
  const bad = axes.find((axis) => !(pixdim[axis + 1]! > 0 && Number.isFinite(pixdim[axis + 1]!)));
  if (bad !== undefined && !(forms.sformCode > 0 && spacingFrom === "sform")) {
    const cure =
      forms.sformCode > 0
        ? 'where the sform is right, choose it: spacingFrom "sform"'
        : "the file does not say the size of its voxels";
    throw new FormatError(path, `pixdim[${bad + 1}]`, `${pixdim[bad + 1]} is no size of a voxel; ${cure}`);
  }
  const { affine, name } = choose(path, forms, pixdim, axes, spacingFrom, notes);
  const mm = (vector: Vector): Vector => scaleBy(flipXY(vector), factor);
  const inMm = { columns: affine.columns.map(mm), origin: mm(affine.origin) };
  return { grid: gridOf(path, name, stored, inMm), units, notes };
}

function choose(
  path: string,
  forms: NiftiForms,
  pixdim: readonly number[],
  axes: readonly number[],
  spacingFrom: ReadSettings["spacingFrom"],
  notes: string[],
): { affine: Affine; name: string } {
  const qform = (): Affine => qformOf({ ...forms, pixdim });
  if (forms.sformCode > 0) {
    const affine = sformOf(forms);
    const sizes = axes.map((axis) => norm(affine.columns[axis]!));
    if (spacingFrom === "sform" || agree(affine.columns, pixdim, axes)) return { affine, name: "sform" };
    const both = `the sform says ${list(sizes)}, pixdim says ${list(axes.map((axis) => pixdim[axis + 1]!))}`;
    if (spacingFrom === "pixdim") {
      notes.push(`${both}; pixdim was chosen`);
      const columns = affine.columns.map((column, i) => scaleBy(column, pixdim[i + 1]! / norm(column)));
      return { affine: { columns, origin: affine.origin }, name: "sform" };
    }
    if (forms.qformCode > 0 && agree(qform().columns, pixdim, axes)) {
      notes.push(`${both}; the qform agrees with pixdim and is taken`);
      return { affine: qform(), name: "qform" };
    }
    const cure = 'choose by spacingFrom: "sform" or "pixdim" (--spacing-from)';
    throw new FormatError(path, "spacing-ambiguous", `${both}; ${cure}`);
  }
  if (forms.qformCode > 0) return { affine: qform(), name: "qform" };
  notes.push("neither a qform nor an sform is given; axes are taken to run right, anterior, superior");
  const columns: Vector[] = [
    [pixdim[1]!, 0, 0],
    [0, pixdim[2]!, 0],
    [0, 0, pixdim[3]!],
  ];
  return { affine: { columns, origin: [0, 0, 0] }, name: "pixdim" };
}
