import { existsSync } from "node:fs";
import { FormatError } from "../errors.js";
import { readRegularFile } from "../regular-file.js";
import { noGeometry } from "./plain-grid.js";
import type { VolumeSource } from "./source.js";
import { unitOf } from "./text-header.js";
import type { Page, TiffFile } from "./tiff-header.js";

/** The way the pages of a TIFF file form a volume. */
export interface TiffStack {
  readonly channels: number;
  /** Whether the file is marked as a stack, even of one slice. */
  readonly deep: boolean;
  readonly spacing: readonly number[] | undefined;
  readonly units: string;
  readonly notes: readonly string[];
}

/**
 * Reads spacing and channels from nnU-Net's file beside the image, or from ImageJ's description. Throws
 * FormatError.
 */
export async function stackOf(
  source: VolumeSource,
  file: TiffFile,
  pages: readonly Page[],
): Promise<TiffStack> {
  const imageJ = imageJStack(file, pages);
  const beside = source.onDisk ? await sidecarSpacing(source.path) : undefined;
  if (beside) return { ...imageJ, spacing: beside, units: "mm", deep: true, notes: [noGeometry] };
  return imageJ;
}

function imageJStack(file: TiffFile, pages: readonly Page[]): TiffStack {
  const plain = ["no spacing is given; 1 is assumed", noGeometry];
  const text = file.text(pages[0]!, 270);
  if (!text.startsWith("ImageJ="))
    return { channels: 1, deep: false, spacing: undefined, units: "unknown", notes: plain };
  const fields = new Map(
    text.split("\n").map((line) => {
      const at = line.indexOf("=");
      return [line.slice(0, at), line.slice(at + 1).trim()] as const;
    }),
  );
  const count = (key: string): number => Number(fields.get(key) ?? 1);
  const [channels, frames] = [count("channels"), count("frames")];
  if (count("images") !== pages.length && fields.has("images"))
    throw file.fail(
      0,
      `ImageJ names ${fields.get("images")} images, the file has ${pages.length} pages`,
      "pages",
    );
  if (!(Number.isInteger(channels) && channels >= 1 && pages.length % channels === 0))
    throw file.fail(0, `${fields.get("channels")} channels of ${pages.length} pages`, "pages");
  if (frames !== 1) throw file.fail(0, `${fields.get("frames")} frames of a film are not read`, "pages");
  const notes: string[] = [];
  const name = (fields.get("unit") ?? "").replace(/^\\u00B5m$|^micron$/i, "um");
  const { units, factor } = unitOf(name, notes);
  if (units === "unknown")
    return { channels, deep: count("slices") > 1, spacing: undefined, units, notes: plain };
  // The resolution is in pixels per unit.
  const size = (tag: number): number => factor / file.numbers(pages[0]!, tag, [1])[0]!;
  const depth = Math.abs(Number(fields.get("spacing") ?? 1)) * factor;
  const spacing = [size(282), size(283), depth];
  if (!spacing.every((value) => value > 1e-12 && value < 1e12))
    throw file.fail(0, `[${spacing}] mm is no size of a voxel`, "resolution");
  return { channels, deep: count("slices") > 1, spacing, units, notes: [...notes, noGeometry] };
}

/** Reads nnU-Net's `{"spacing": [z, y, x]}` from CASE.json beside CASE.tif and CASE_0000.tif. */
async function sidecarSpacing(path: string): Promise<readonly number[] | undefined> {
  const stem = path.replace(/\.tiff?$/i, "");
  const beside = [`${stem}.json`, `${stem.replace(/_\d{4}$/, "")}.json`].find((name) => existsSync(name));
  if (beside === undefined) return undefined;
  const text = Buffer.from(await readRegularFile(beside, { maxFile: 2 ** 20 })).toString("utf8");
  let content: unknown;
  try {
    content = JSON.parse(text);
  } catch (error) {
    throw new FormatError(beside, undefined, "is not JSON", { cause: error });
  }
  const spacing =
    content !== null && typeof content === "object" && "spacing" in content ? content.spacing : undefined;
  const fine = (value: unknown): value is number =>
    typeof value === "number" && value > 1e-12 && value < 1e12;
  if (!Array.isArray(spacing) || spacing.length !== 3 || !spacing.every(fine))
    throw new FormatError(beside, "spacing", "expected three positive numbers [z, y, x]");
  return [...spacing].reverse();
}
