import { existsSync } from "node:fs";
import { elements } from "../element.js";
import { FormatError } from "../errors.js";
import { inflateInto } from "./inflate.js";
import { labelNames } from "./nifti-extension.js";
import { niftiGrid } from "./nifti-geometry.js";
import { isNifti, type NiftiHeader, parseNiftiHeader } from "./nifti-header.js";
import { checkedBytes, refusal } from "./refuse.js";
import { hasEnding, type VolumeSource, withVolumeSource } from "./source.js";
import { channelsLast, numbersOf } from "./values.js";
import type { ReadSettings, Volume, VolumeReader } from "./volume.js";

const endings = [".nii", ".nii.gz", ".hdr", ".hdr.gz", ".img", ".img.gz"];

/** Returns the spatial sizes, and the values per voxel, of the axes of a header. */
function shapeOf(
  path: string,
  { dims, version, samples, intent }: NiftiHeader,
): {
  shape: readonly number[];
  channels: number;
  notes: readonly string[];
} {
  const at = version === 1 ? 40 : 16;
  const shape = dims.slice(0, 3);
  const [fourth = 1, fifth = 1, ...rest] = dims.slice(3);
  // Matrices of connectivity and series of brain surface points (CIFTI-2) are not voxels.
  if (intent >= 3000 && intent < 3100)
    throw refusal(path, "intent_code", at, `${intent} is CIFTI-2, which is not a volume of voxels`);
  if (rest.some((size) => size !== 1) || (fourth !== 1 && fifth !== 1))
    throw refusal(path, "dim", at, `[${dims}]: expected three axes of space and one of channels`);
  const channels = fourth * fifth;
  if (samples === 3 && channels > 1)
    throw refusal(path, "dim", at, `[${dims}]: RGB24 with a further axis of channels is not read`);
  const notes =
    fifth > 1 && intent !== 1007
      ? [`the fifth axis is taken for channels, though the intent is ${intent}, not 1007 (vector)`]
      : [];
  return { shape, channels: samples === 3 ? 3 : channels, notes };
}

/** The bytes of the voxels, and those before and after them. */
interface Body {
  readonly voxels: Uint8Array;
  /** The bytes between the header and the voxels. */
  readonly before: Uint8Array;
  readonly extra: number;
}

async function bodyOf(
  source: VolumeSource,
  start: number,
  size: number,
  settings: ReadSettings,
): Promise<Body> {
  const { path, bytes, gzip } = source;
  const { limits } = settings;
  const none = new Uint8Array(0);
  if (gzip) {
    const packed = { path, source: bytes, start: 0, end: bytes.size, wrapper: "gzip" } as const;
    const { bytes: all, extra } = await inflateInto(packed, start + size, limits);
    const before = all.slice(0, start);
    // Voxels that do not start at a multiple of 8 are moved in place: a copy would double the memory.
    if (start % 8 !== 0) all.copyWithin(0, start);
    const voxels = start % 8 !== 0 ? all.subarray(0, size) : all.subarray(start);
    return { voxels, before, extra };
  }
  if (bytes.size < start + size) {
    const what = `ended early: the header declares ${size} bytes of voxels from byte ${start} on`;
    throw refusal(path, undefined, bytes.size, what);
  }
  const voxels = new Uint8Array(await bytes.read(start, size));
  const before = start > 0 && start < 2 ** 20 ? new Uint8Array(await bytes.read(0, start)) : none;
  return { voxels, before, extra: bytes.size - start - size };
}

async function readNifti(
  source: VolumeSource,
  header: NiftiHeader,
  body: VolumeSource,
  settings: ReadSettings,
): Promise<Volume> {
  const { path } = source;
  const { type, samples, bigEndian, version } = header;
  const { shape, channels, notes } = shapeOf(path, header);
  const { bytes: width } = elements[type];
  const size = checkedBytes(
    path,
    "dim",
    version === 1 ? 40 : 16,
    [...shape, channels],
    width,
    settings.limits,
  );
  const least = header.single ? (version === 1 ? 352 : 544) : 0;
  const start = header.voxOffset === 0 ? least : header.voxOffset;
  const { grid, units, notes: placed } = niftiGrid(path, shape, header, settings);
  const { voxels, before, extra } = await bodyOf(body, start, size, settings);
  const data = await numbersOf(type, voxels, bigEndian);
  const names = header.single ? labelNames(before, least, bigEndian) : undefined;
  const scaled = scaleOf(path, header);
  const more = extra > 0 ? [`${extra} bytes behind the voxels are ignored`] : [];
  return {
    format: `NIfTI-${version}`,
    type,
    data: samples === 3 ? await channelsLast(data, 1, 3) : data,
    ...grid,
    ...(channels > 1 ? { channels } : {}),
    units,
    ...(scaled ? { scaled } : {}),
    ...(names ? { names } : {}),
    notes: [...placed, ...notes, ...more],
  };
}

/** Returns the scaling; a slope of 0 or NaN means that values are as stored. */
function scaleOf(path: string, { slope, inter }: NiftiHeader): Volume["scaled"] {
  if (slope === 0 || Number.isNaN(slope)) return undefined;
  if (!Number.isFinite(slope) || !(Number.isFinite(inter) || Number.isNaN(inter)))
    throw new FormatError(path, "scl_slope", `values scaled by ${slope} and ${inter} are not finite`);
  const shift = Number.isNaN(inter) ? 0 : inter;
  return slope === 1 && shift === 0 ? undefined : { slope, inter: shift };
}

/** Opens the other file of a pair: "a.hdr" for "a.img", in either case of letters, packed or not. */
async function openPartner<T>(
  source: VolumeSource,
  settings: ReadSettings,
  from: string,
  to: string,
  use: (partner: VolumeSource) => Promise<T>,
): Promise<T> {
  const { path, onDisk } = source;
  const match = new RegExp(`\\.${from}(\\.gz)?$`, "i").exec(path);
  if (!onDisk || !match) {
    const what = `the voxels of this header are in another file (.img); read it by the path of its ".hdr"`;
    throw new FormatError(path, "magic", what);
  }
  const stem = path.slice(0, match.index);
  const ending = match[0].startsWith(`.${from.toUpperCase()}`) ? to.toUpperCase() : to;
  const packed = match[1] ?? ".gz";
  const both = [`${stem}.${ending}${match[1] ?? ""}`, `${stem}.${ending}${match[1] ? "" : packed}`];
  for (const partner of both) {
    if (existsSync(partner)) return withVolumeSource(partner, partner, settings.limits, use);
  }
  throw new FormatError(path, undefined, `the other file of the pair is missing: ${both.join(" or ")}`);
}

export const niftiReader: VolumeReader = {
  name: "NIfTI",
  sniff(bytes, path) {
    if (isNifti(bytes)) return "magic";
    return hasEnding(path, endings) ? "ending" : undefined;
  },
  async read(source, settings) {
    const { path } = source;
    if (hasEnding(path, [".img", ".img.gz"]) && !isNifti(source.inner))
      return openPartner(source, settings, "img", "hdr", (head) =>
        readNifti(head, parseNiftiHeader(head.path, head.inner), source, settings),
      );
    const header = parseNiftiHeader(path, source.inner);
    if (header.single) return readNifti(source, header, source, settings);
    return openPartner(source, settings, "hdr", "img", (body) => readNifti(source, header, body, settings));
  },
};
