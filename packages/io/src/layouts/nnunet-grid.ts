import { FormatError } from "../errors.js";
import type { PickleValue } from "../pickle/machine.js";
import { entryOf, numbersOf, readPickle } from "../pickle/read-pickle.js";
import { flipXY, gridOf } from "../volume/geometry.js";
import type { Grid, Vector } from "../volume/volume.js";
import { isObject, readJson } from "./json-file.js";

/**
 * Reads where the voxels of a prediction lie from what nnU-Net stores beside its probabilities, CASE.pkl, or
 * from the CASE.json in its place: the entry `sitk_stuff`, or `nibabel_stuff`. Returns undefined if it has
 * neither, as for 2-D pictures. `given` is the shape of the probabilities, x first, which have a third axis
 * of 1 where the image has two. Throws FormatError.
 */
export async function readNnunetGrid(path: string, given: readonly number[]): Promise<Grid | undefined> {
  const stored = path.endsWith(".json") ? mapsOf(await readJson(path), 0) : await readPickle(path);
  const sitk = entryOf(stored, "sitk_stuff");
  if (sitk !== undefined) {
    const axes = numbersOf(path, "sitk_stuff.spacing", entryOf(sitk, "spacing")).length;
    const shape = axes === 2 && given[2] === 1 ? given.slice(0, 2) : given;
    const rank = shape.length;
    const numbers = (key: string, count: number): readonly number[] => {
      const found = numbersOf(path, `sitk_stuff.${key}`, entryOf(sitk, key));
      if (found.length === count) return found;
      throw new FormatError(path, `sitk_stuff.${key}`, `expected ${count} numbers, got ${found.length}`);
    };
    const [spacing, origin] = [numbers("spacing", rank), numbers("origin", rank)];
    const rows = numbers("direction", rank * rank);
    const columns = spacing.map((size, axis) =>
      vector(Array.from({ length: rank }, (_, row) => rows[row * rank + axis]! * size)),
    );
    return gridOf(path, "sitk_stuff", shape, { columns, origin: vector(origin) });
  }
  const affine = entryOf(entryOf(stored, "nibabel_stuff"), "original_affine");
  if (affine === undefined) return undefined;
  const key = "nibabel_stuff.original_affine";
  const values = numbersOf(path, key, affine);
  if (values.length !== 16) throw new FormatError(path, key, `expected 16 numbers, got ${values.length}`);
  const column = (axis: number): Vector => flipXY([values[axis]!, values[4 + axis]!, values[8 + axis]!]);
  return gridOf(path, key, given, { columns: [0, 1, 2].map(column), origin: column(3) });
}

const vector = ([x = 0, y = 0, z = 0]: readonly number[]): Vector => [x, y, z];

/** Returns JSON as a pickle would hold it: objects as maps, three deep at most. */
function mapsOf(json: unknown, depth: number): PickleValue {
  if (isObject(json) && depth < 3)
    return new Map(Object.entries(json).map(([key, value]) => [key, mapsOf(value, depth + 1)]));
  return json as PickleValue;
}
