import { readdir } from "node:fs/promises";
import { basename, join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FormatError, fileError, overLimit } from "../../errors.js";
import type { Limits } from "../../limits.js";
import { withRegularFile } from "../../regular-file.js";
import type { ReadSettings, Volume } from "../volume.js";
import { isContours } from "./contours.js";
import { bareEncoding, type DicomFile, hasPreamble, readDicomFile } from "./dicom-file.js";
import { openFrames } from "./frames.js";
import { assemble } from "./image.js";
import { type PixelLayout, pixelLayoutOf, sameLayout } from "./pixel-layout.js";
import { FrameGroups, type Plane, planeOf, sameOrientation } from "./plane.js";
import { isDirectory, readDicom } from "./read-dicom.js";
import { type Scaling, scalingOf } from "./scaling.js";
import { isSegmentation } from "./segmentation.js";
import { stackOf } from "./stack.js";
import { tags } from "./tags.js";

/** A file of a folder: the parts of it that are kept, all but its pixels. */
interface Member {
  readonly path: string;
  readonly uid: string;
  readonly title: string;
  /** The slice of a single image with a place; other files are volumes of their own. */
  readonly slice: Slice | undefined;
}

interface Slice {
  readonly layout: PixelLayout;
  readonly plane: Plane;
  readonly scaling: Scaling;
}

/** The files that form one volume. */
interface Series {
  readonly name: string;
  readonly members: readonly Member[];
}

/** Returns the files of a folder, sorted by name, without hidden ones. Throws FormatError. */
export async function folderFiles(path: string, limits: Limits): Promise<readonly string[]> {
  let entries: Awaited<ReturnType<typeof listing>>;
  try {
    entries = await listing(path);
  } catch (error) {
    throw fileError(path, error);
  }
  // Links are followed when a file is opened, which refuses all but regular files.
  const files = entries.filter((entry) => !entry.isDirectory() && !entry.name.startsWith("."));
  if (files.length > limits.maxEntries)
    throw overLimit(
      new FormatError(path, undefined, `${files.length} files exceed the limit of ${limits.maxEntries}`),
    );
  return files.map(({ name }) => join(path, name)).sort();
}

const listing = (path: string) => readdir(path, { withFileTypes: true });

/**
 * Reads a series of DICOM files: slices sorted by position, one volume. Files that are not DICOM, or hold no
 * image, are left out with a note. Throws FormatError for several series, unless `settings.series` names one.
 */
export async function readSeries(
  path: string,
  files: readonly string[],
  settings: ReadSettings,
): Promise<Volume> {
  const { limits } = settings;
  const members: Member[] = [];
  let others = 0;
  for (const file of files) {
    const member = await memberOf(file, limits);
    if (member) members.push(member);
    else others++;
    await nextTurn();
  }
  if (members.length === 0)
    throw new FormatError(
      path,
      undefined,
      `none of its ${files.length} files is a DICOM image; give the folder of a series`,
    );
  const all = seriesOf(members);
  const series = pick(path, all, settings.series);
  const notes = others > 0 ? [`${others} files of the folder are no DICOM images and are left out`] : [];
  if (series.members.length === 1) {
    const { path: file } = series.members[0]!;
    const volume = await withRegularFile(file, limits, async (bytes) =>
      readDicom(await readDicomFile(file, bytes, limits), settings),
    );
    return { ...volume, notes: [...volume.notes, ...notes] };
  }
  return readSlices(path, series, notes, settings);
}

async function readSlices(
  path: string,
  { members }: Series,
  notes: readonly string[],
  settings: ReadSettings,
): Promise<Volume> {
  const { limits } = settings;
  const slices = members.map(({ slice }) => slice!);
  const { layout } = slices[0]!;
  const name = (index: number): string => basename(members[index]!.path);
  const planes = slices.map(({ plane }) => plane);
  const options = { allowGaps: settings.allowGaps ?? false, keepOrder: false };
  const { order, grid, notes: seen } = stackOf(path, planes, [layout.columns, layout.rows], name, options);
  const found = new Set<string>();
  const read = async (index: number, out: Uint8Array): Promise<void> => {
    const { path: file } = members[order[index]!]!;
    await withRegularFile(file, limits, async (bytes) => {
      const opened = await readDicomFile(file, bytes, limits);
      const now = pixelLayoutOf(opened);
      if (!sameLayout(now, layout) || now.frames !== 1)
        throw new FormatError(file, undefined, "changed while its series was read");
      const frames = await openFrames(opened, now, limits);
      await frames.read(0, out);
      for (const note of [...opened.notes, ...frames.notes]) found.add(note);
    });
  };
  const scalings = order.map((index) => slices[index]!.scaling);
  const parts = { path, layout, grid, units: "mm", scalings, notes: [...notes, ...seen] };
  return assemble(parts, limits, read, () => found);
}

/** Reads the head of a file; undefined for one that is not DICOM or has nothing to show. */
async function memberOf(path: string, limits: Limits): Promise<Member | undefined> {
  return withRegularFile(path, limits, async (bytes) => {
    const head = new Uint8Array(await bytes.read(0, Math.min(bytes.size, 256)));
    if (!hasPreamble(head) && !bareEncoding(head)) return undefined;
    const file = await readDicomFile(path, bytes, limits);
    const { dataSet } = file;
    const shown = file.pixels !== undefined || isContours(dataSet);
    if (isDirectory(dataSet) || !shown) return undefined;
    const uid = dataSet.text(tags.seriesInstanceUid) ?? "(no SeriesInstanceUID)";
    const texts = [dataSet.text(tags.modality), dataSet.text(tags.seriesDescription)];
    const title = texts.filter((text) => text !== undefined).join(", ");
    return { path, uid, title, slice: sliceOf(file) };
  });
}

function sliceOf(file: DicomFile): Slice | undefined {
  const { dataSet } = file;
  if (isContours(dataSet) || isSegmentation(dataSet)) return undefined;
  const layout = pixelLayoutOf(file);
  if (layout.frames > 1) return undefined;
  const groups = new FrameGroups(dataSet, 1);
  const plane = planeOf(groups, 0);
  return plane && { layout, plane, scaling: scalingOf(dataSet, groups, 0) };
}

/** Groups files by series and, within one, by what keeps slices from lying in one stack. */
function seriesOf(members: readonly Member[]): readonly Series[] {
  const groups: Member[][] = [];
  for (const member of members) {
    const group = groups.find(([first]) => together(first!, member));
    if (group) group.push(member);
    else groups.push([member]);
  }
  const seen = new Map<string, number>();
  return groups.map((group) => {
    const { uid } = group[0]!;
    const number = (seen.get(uid) ?? 0) + 1;
    seen.set(uid, number);
    return { name: number === 1 ? uid : `${uid}#${number}`, members: group };
  });
}

const together = (a: Member, b: Member): boolean =>
  a.uid === b.uid &&
  a.slice !== undefined &&
  b.slice !== undefined &&
  sameLayout(a.slice.layout, b.slice.layout) &&
  sameOrientation(a.slice.plane, b.slice.plane);

/** Returns the series of a name, or the only one. */
function pick(path: string, all: readonly Series[], name: string | undefined): Series {
  const found = name === undefined ? all : all.filter((each) => each.name === name);
  if (found.length === 1) return found[0]!;
  const shown = all.slice(0, 10).map(({ name: uid, members }) => {
    const { title, path: file } = members[0]!;
    return `${uid} (${title === "" ? "" : `${title}, `}${members.length} files from ${basename(file)} on)`;
  });
  const more = all.length > shown.length ? ` and ${all.length - shown.length} more` : "";
  const list = `${shown.join("; ")}${more}`;
  throw new FormatError(
    path,
    "series",
    name === undefined
      ? `holds ${all.length} series, or slices of several orientations or sizes: ${list}; choose one by the option series`
      : `there is no series ${JSON.stringify(name)}, only: ${list}`,
  );
}
