import { stat } from "node:fs/promises";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FormatError } from "../../errors.js";
import type { Limits } from "../../limits.js";
import { withRegularFile } from "../../regular-file.js";
import { describeGrid, toVoxels } from "../geometry.js";
import type { Grid } from "../volume.js";
import { readDicomFile } from "./dicom-file.js";
import type { DicomElements } from "./encode.js";
import { FrameGroups, planeOf } from "./plane.js";
import { folderFiles } from "./series.js";
import { tags } from "./tags.js";
import { written } from "./written-tags.js";

/** The images that a segmentation was made from. */
export interface SourceImages {
  /** The elements of patient, study and frame of reference, which the segmentation shares. */
  readonly shared: DicomElements;
  readonly series: string;
  readonly instances: readonly Instance[];
}

/** One file of a series. */
export interface Instance {
  readonly sopClass: string;
  readonly uid: string;
  /** The slice of the grid on which the image lies; undefined for a file of several frames. */
  readonly slice: number | undefined;
}

/** Elements by tag: their type, and the value where the images have none. */
const sharedElements: Readonly<Record<number, readonly [vr: string, otherwise: string]>> = {
  [written.studyDate]: ["DA", ""],
  [written.studyTime]: ["TM", ""],
  [written.accessionNumber]: ["SH", ""],
  [written.referringPhysician]: ["PN", ""],
  [written.patientName]: ["PN", ""],
  [written.patientId]: ["LO", ""],
  [written.patientBirthDate]: ["DA", ""],
  [written.patientSex]: ["CS", ""],
  [written.studyInstanceUid]: ["UI", ""],
  [written.studyId]: ["SH", ""],
  [written.frameOfReferenceUid]: ["UI", ""],
  [written.positionReference]: ["LO", ""],
};

/** Returns those elements without any images, with empty values. */
export const withoutImages: DicomElements = sharedElements;

/**
 * Reads the heads of a series, a folder or one file. Throws FormatError for several series, for what is no
 * DICOM, and for images that do not lie on the slices of the grid.
 */
export async function readSourceImages(path: string, grid: Grid, limits: Limits): Promise<SourceImages> {
  const folder = (await stat(path).catch(() => undefined))?.isDirectory();
  const files = folder ? await folderFiles(path, limits) : [path];
  let shared: DicomElements | undefined;
  let series: string | undefined;
  const instances: Instance[] = [];
  for (const file of files) {
    await withRegularFile(file, limits, async (bytes) => {
      const { dataSet } = await readDicomFile(file, bytes, limits);
      const need = (tag: number): string => {
        const text = dataSet.text(tag);
        if (text === undefined) throw dataSet.missing(tag);
        return text;
      };
      const own = need(tags.seriesInstanceUid);
      if (series !== undefined && own !== series)
        throw new FormatError(file, "series", `is of series ${own}, the files before are of ${series}`);
      series = own;
      shared ??= Object.fromEntries(
        Object.entries(sharedElements).map(([tag, [vr, otherwise]]) => [
          tag,
          [vr, dataSet.text(Number(tag)) ?? otherwise],
        ]),
      );
      const frames = dataSet.count(tags.numberOfFrames, 1) ?? 1;
      const plane = frames > 1 ? undefined : planeOf(new FrameGroups(dataSet, 1), 0);
      const uid = need(tags.sopInstance);
      instances.push({
        sopClass: need(tags.sopClass),
        uid,
        slice: plane && sliceOf(file, plane.position, grid),
      });
    });
    await nextTurn();
  }
  if (!shared || series === undefined)
    throw new FormatError(path, undefined, "holds no DICOM images; give the folder of a series");
  return { shared, series, instances };
}

/** Returns the slice whose first pixel is at a position; it may be its last pixel, if the grid is flipped. */
function sliceOf(file: string, position: readonly [number, number, number], grid: Grid): number {
  const at = toVoxels(grid, position);
  const slice = Math.round(at[2]!);
  const inside = slice >= 0 && slice < (grid.shape[2] ?? 1);
  if (inside && Math.abs(at[2]! - slice) < 0.01) return slice;
  const what = `lies at [${position}] mm, on no slice of the segmentation: ${describeGrid(grid)}`;
  throw new FormatError(file, "geometry", what);
}
