import { type DataType, elementCount, InvalidArgumentError, invalidArgument } from "@pixelcal/core";
import type { FileSource } from "../byte-source.js";
import { FormatError } from "../errors.js";
import { pieces } from "../regular-file.js";
import { checkWritable } from "../writable.js";
import { gridOf, scaleBy } from "./geometry.js";
import type { NiftiHeader } from "./nifti-header.js";
import type { Grid, Volume } from "./volume.js";

/** An image or a label map to write, as `readVolume` returns it; what only a reader knows may be left out. */
export interface WritableVolume
  extends Grid,
    Pick<Volume, "type" | "data" | "channels" | "scaled" | "names">,
    Partial<Pick<Volume, "units" | "segments">> {}

export interface WriteVolumeOptions {
  /**
   * The image on whose grid the volume lies. A NIfTI file keeps the qform, sform, codes, pixdim and unit of
   * its image bit for bit, so that viewers place both alike; a DICOM segmentation refers to the files of its
   * series, a folder or one file, and takes patient, study and frame of reference from them.
   */
  readonly image?: FileSource;
  /**
   * The kind of a DICOM segmentation: `binary` (default), which every viewer reads and whose segments may
   * overlap, or `labelmap`, which is one number per voxel and needs a viewer of 2024 or later.
   */
  readonly segmentation?: "binary" | "labelmap";
  /** The deflate level, 1 (fast) to 9 (small), of formats that pack; default 6. */
  readonly level?: number;
  /** Whether PNG labels get a palette, one colour a class, so that viewers show them; default false. */
  readonly palette?: boolean;
  /**
   * The axis of channels in NIfTI: `fourth` (default), as 3D Slicer and FSL expect probabilities, or
   * `vector`, the fifth with the intent of vectors, as ITK expects them.
   */
  readonly channelAxis?: "fourth" | "vector";
}

/** The options of one file, with every default filled in. */
export interface WriteSettings {
  readonly path: string;
  readonly level: number;
  readonly palette: boolean;
  readonly channelAxis: "fourth" | "vector";
  readonly segmentation: "binary" | "labelmap";
  /** The header of the image whose placing fields are kept. */
  readonly image: NiftiHeader | undefined;
  /** The path of the DICOM series that a segmentation belongs to. */
  readonly series: string | undefined;
}

/** The writer of one format. */
export interface VolumeWriter {
  readonly name: string;
  /** The endings of the paths that get this format. */
  readonly endings: readonly string[];
  /** Yields the bytes of the file; throws InvalidArgumentError, before the first, for what it cannot hold. */
  encode(volume: WritableVolume, settings: WriteSettings): AsyncGenerator<Uint8Array>;
}

/** Throws InvalidArgumentError unless sizes, data and geometry fit each other. */
export function checkVolume(volume: WritableVolume): void {
  const { shape, spacing, origin, direction, channels = 1, type, data } = volume;
  const rank = shape?.length ?? 0;
  if (!(rank >= 1 && rank <= 3)) throw invalidArgument("volume.shape", "1 to 3 sizes, x first", shape);
  if (!(Number.isInteger(channels) && channels >= 1))
    throw invalidArgument("volume.channels", "a whole number of at least 1", channels);
  checkWritable("volume", { type, data, dims: [channels, ...shape] } as Parameters<typeof checkWritable>[1]);
  if (data.length !== channels * elementCount(shape))
    throw invalidArgument("volume.data", `${channels * elementCount(shape)} elements`, data.length);
  checkNames(volume.names);
  if (spacing?.length !== rank) throw invalidArgument("volume.spacing", `${rank} sizes in mm`, spacing);
  if (direction?.length !== rank) throw invalidArgument("volume.direction", `${rank} vectors`, direction);
  if (origin?.length !== 3) throw invalidArgument("volume.origin", "3 numbers in mm (LPS)", origin);
  try {
    const columns = direction.map((column, axis) => scaleBy(column, spacing[axis]!));
    gridOf("volume", "direction", shape, { columns, origin });
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new InvalidArgumentError("volume.direction", error.message, { cause: error });
  }
}

/** Throws InvalidArgumentError unless the names are of labels that a file can hold. */
function checkNames(names: ReadonlyMap<number, string> | undefined): void {
  for (const [label, name] of names ?? []) {
    if (!(Number.isInteger(label) && label >= 0 && label < 1e9))
      throw new InvalidArgumentError(
        "volume.names",
        `volume.names: expected labels of at least 0, got ${label}`,
      );
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters end lines of headers.
    if (typeof name !== "string" || name.length > 1000 || /[\x00-\x1f\x7f]/.test(name))
      throw new InvalidArgumentError(
        "volume.names",
        `volume.names: the name of ${label} is not a line of text`,
      );
  }
}

/** Returns the name of a type in a format; throws InvalidArgumentError with the types that it holds. */
export function nameOfType<T>(format: string, names: ReadonlyMap<DataType, T>, type: DataType): T {
  const name = names.get(type);
  if (name !== undefined) return name;
  const cure = type === "float16" ? "; convert it to float32" : "";
  const message = `volume.type: ${format} holds ${[...names.keys()].join(", ")}, got ${type}${cure}`;
  throw new InvalidArgumentError("volume.type", message);
}

/** The size of the pieces in which values are packed and written. */
const pieceBytes = 2 ** 22;

/** Yields the values as bytes, in their own order. */
export function valuePieces({ data }: Pick<WritableVolume, "data">): Generator<Uint8Array> {
  return pieces(data, pieceBytes);
}

/** Yields the values as bytes with the channels of a voxel side by side. */
export function* interleavedPieces({
  data,
  channels = 1,
}: Pick<WritableVolume, "data" | "channels">): Generator<Uint8Array> {
  if (channels === 1) {
    yield* valuePieces({ data });
    return;
  }
  const voxels = data.length / channels;
  const step = Math.max(1, Math.floor(pieceBytes / (channels * data.BYTES_PER_ELEMENT)));
  for (let at = 0; at < voxels; at += step) {
    const count = Math.min(step, voxels - at);
    const piece = new (data.constructor as new (length: number) => typeof data)(count * channels);
    for (let c = 0; c < channels; c++)
      for (let i = 0; i < count; i++) piece[i * channels + c] = data[c * voxels + at + i]!;
    yield new Uint8Array(piece.buffer);
  }
}
