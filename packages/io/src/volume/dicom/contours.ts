import { setImmediate as nextTurn } from "node:timers/promises";
import { FormatError } from "../../errors.js";
import { toVoxels } from "../geometry.js";
import type { Grid, ReadSettings, Vector, Volume } from "../volume.js";
import type { DataSet } from "./data-set.js";
import type { DicomFile } from "./dicom-file.js";
import { fillPolygons, type Point } from "./rasterise.js";
import { labelMapOrChannels } from "./segments.js";
import { tags } from "./tags.js";

/** Returns whether a data set is an RTSTRUCT: it has contours of regions. */
export const isContours = (dataSet: DataSet): boolean => dataSet.element(tags.roiSequence) !== undefined;

/** A region of interest: its closed contours by slice, in voxels. */
interface Region {
  readonly label: number;
  readonly name: string;
  readonly slices: ReadonlyMap<number, readonly (readonly Point[])[]>;
}

/** The distance from a slice, in slices, beyond which a contour is noted as lying between two. */
const beside = 0.1;

/** The contours that could not be placed as they are. */
interface Seen {
  between: number;
  outside: number;
  open: string[];
}

/**
 * Reads the contours of an RTSTRUCT as masks on `settings.grid`: voxels whose centres lie inside, by the
 * even-odd rule, are set. Programs differ at the edges, so the result is approximate. Overlapping regions
 * become channels. Throws FormatError.
 */
export async function readContours(file: DicomFile, settings: ReadSettings): Promise<Volume> {
  const { path } = file;
  const { grid, limits } = settings;
  if (!grid)
    throw new FormatError(
      path,
      undefined,
      "contours have no grid; give that of their image (option grid: readVolume(image))",
    );
  const { shape, spacing, origin, direction } = grid;
  const [columns = 1, rows = 1] = shape;
  const seen: Seen = { between: 0, outside: 0, open: [] };
  const regions = await regionsOf(file, grid, seen);
  const painted = await labelMapOrChannels(
    path,
    shape,
    regions.map(({ label }) => label),
    limits,
    async (set) => {
      for (const { label, slices } of regions) {
        for (const [slice, polygons] of slices)
          fillPolygons(polygons, [columns, rows], (row, from, to) => {
            const start = (slice * rows + row) * columns;
            for (let x = from; x < to; x++) set(label, start + x);
          });
        await nextTurn();
      }
    },
  );
  return {
    format: "DICOM",
    ...painted,
    ...{ shape, spacing, origin, direction },
    units: "mm",
    names: new Map(regions.map(({ label, name }) => [label, name])),
    notes: [
      ...file.notes,
      "masks are approximate: voxels whose centres lie inside of contours",
      ...(seen.open.length > 0
        ? [`regions without closed contours are left out: ${seen.open.join(", ")}`]
        : []),
      ...(seen.between > 0 ? [`${seen.between} contours between slices are moved to the nearest`] : []),
      ...(seen.outside > 0 ? [`${seen.outside} contours outside of the grid are left out`] : []),
    ],
  };
}

async function regionsOf({ path, dataSet }: DicomFile, grid: Grid, seen: Seen): Promise<readonly Region[]> {
  const contours = new Map<number, readonly DataSet[]>();
  for (const item of dataSet.items(tags.roiContourSequence)) {
    const number = numberOf(item, tags.referencedRoiNumber);
    if (contours.has(number))
      throw item.fail(tags.referencedRoiNumber, `region ${number} has contours twice`);
    contours.set(number, item.items(tags.contourSequence));
  }
  const rois = dataSet.items(tags.roiSequence).map((item) => ({
    number: numberOf(item, tags.roiNumber),
    name: item.text(tags.roiName) ?? "",
  }));
  const numbers = new Set(rois.map(({ number }) => number));
  if (numbers.size !== rois.length) throw dataSet.fail(tags.roiSequence, "two regions have the same number");
  // Numbers that no label can have are counted anew.
  const usable = rois.every(({ number }) => number >= 1 && number <= 65535);
  const regions: Region[] = [];
  for (const [i, { number, name }] of rois.entries()) {
    const slices = slicesOf(path, contours.get(number) ?? [], grid, seen);
    const title = name === "" ? `${number}` : name;
    if (slices) regions.push({ label: usable ? number : i + 1, name: title, slices });
    else seen.open.push(title);
    await nextTurn();
  }
  return regions;
}

function numberOf(item: DataSet, tag: number): number {
  const number = item.count(tag, 0);
  if (number === undefined) throw item.missing(tag);
  return number;
}

/** Places the closed contours of a region on slices; undefined if it has none. */
function slicesOf(
  path: string,
  items: readonly DataSet[],
  grid: Grid,
  seen: Seen,
): ReadonlyMap<number, readonly (readonly Point[])[]> | undefined {
  const slices = new Map<number, (readonly Point[])[]>();
  let closed = 0;
  for (const item of items) {
    const type = item.text(tags.contourType);
    if (type !== "CLOSED_PLANAR" && type !== "CLOSEDPLANAR_XOR") continue;
    closed++;
    const points = pointsOf(item).map((point) => toVoxels(grid, point));
    const heights = points.map((point) => point[2]!);
    const height = heights.reduce((sum, z) => sum + z, 0) / heights.length;
    if (heights.some((z) => Math.abs(z - height) > 0.05))
      throw new FormatError(
        path,
        "contour",
        "a contour does not lie in a slice of the grid; give the image it was drawn on",
      );
    const slice = Math.round(height);
    if (slice < 0 || slice >= (grid.shape[2] ?? 1)) {
      seen.outside++;
      continue;
    }
    if (Math.abs(height - slice) > beside) seen.between++;
    const polygon = points.map(([x, y]): Point => [x!, y!]);
    const list = slices.get(slice);
    if (list) list.push(polygon);
    else slices.set(slice, [polygon]);
  }
  return closed > 0 ? slices : undefined;
}

function pointsOf(item: DataSet): readonly Vector[] {
  const values = item.decimals(tags.contourData);
  if (!values) throw item.missing(tags.contourData);
  const count = item.count(tags.contourPointCount, 1) ?? values.length / 3;
  if (values.length !== 3 * count)
    throw item.fail(tags.contourData, `expected ${count} points of 3 numbers, got ${values.length} numbers`);
  return Array.from({ length: count }, (_, i) => [values[3 * i]!, values[3 * i + 1]!, values[3 * i + 2]!]);
}
