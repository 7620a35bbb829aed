// Volumes and pictures beside the facts of nibabel, pynrrd, a MetaImage header read by hand, Pillow and
// tifffile.
import { readVolume } from "../../packages/io/dist/index.js";
import { affineRas, slowestLast } from "./geometry.mjs";

const withoutOnes = (sizes) => sizes.filter((size) => size !== 1);
const millimetres = { mm: 1, micron: 1e-3, meter: 1e3, unknown: 1 };

/** Compares a NIfTI, NRRD or MetaImage file. */
export async function checkVolume(path, manifest, facts) {
  if (manifest.error !== undefined) return facts.refuses(() => readVolume(path));
  const volume = await readVolume(path);
  const { shape, channels = 1, spacing } = volume;
  const { dims, stored_dtype: type, zooms, affine_RAS: affine, header = {} } = manifest;
  const colours = /'R', '\|?u1'/.test(type);
  facts.equal("type", volume.type, colours ? "uint8" : type);
  const axis = header.kinds?.findIndex((kind) => !/domain|space/.test(kind)) ?? -1;
  const interleaved = colours || (manifest.channels ?? 1) > 1 || axis === 0;
  const sizes = colours ? [...dims, 3] : axis === 0 ? [...dims.slice(1), dims[0]] : [...dims];
  if ((manifest.channels ?? 1) > 1) sizes.push(manifest.channels);
  facts.equal("shape", withoutOnes([...shape, channels]), withoutOnes(sizes));
  facts.hash("values", interleaved ? slowestLast(volume) : volume.data, manifest.sha256);
  const factor = millimetres[manifest.units?.[0] ?? "mm"];
  if (zooms)
    facts.close(
      "spacing",
      spacing,
      zooms.slice(0, shape.length).map((size) => size * factor),
      1e-6,
    );
  if (manifest.qform_code === 0 && manifest.sform_code === 0)
    // nibabel centres such images and lets x run left, as SPM does; NIfTI's method 1 is the diagonal.
    facts.left("the place of an image with neither a qform nor an sform");
  else if (affine) {
    // The columns of axes that the image has, and the origin.
    const columns = [...shape.keys(), 3];
    const held = (rows, unit) => rows.slice(0, 3).map((row) => columns.map((i) => row[i] * unit));
    facts.close("affine", held(affineRas(volume), 1), held(affine, factor), 1e-5);
  }
  if (manifest.slope != null)
    facts.close(
      "scaling",
      [volume.scaled?.slope ?? 1, volume.scaled?.inter ?? 0],
      [manifest.slope, manifest.inter],
      1e-6,
    );
  checkHeader(volume, header, facts);
}

/** Compares the geometry with the fields of an NRRD or a MetaImage header in LPS. */
function checkHeader({ spacing, direction, origin }, header, facts) {
  const directions = header["space directions"];
  if (header.space === "left-posterior-superior" && directions) {
    const wanted = directions.filter((vector) => vector?.every(Number.isFinite));
    const got = direction.map((vector, axis) => vector.map((part) => part * spacing[axis]));
    facts.close("directions", got, wanted, 1e-6);
    facts.close("origin", origin, header["space origin"], 1e-6);
  }
  if (header.spacings) facts.close("spacing", spacing, header.spacings.filter(Number.isFinite), 1e-6);
  const numbers = (text) => text.split(" ").map(Number);
  if (header.ElementSpacing) facts.close("spacing", spacing, numbers(header.ElementSpacing), 1e-6);
  if (header.Offset) facts.close("offset", origin.slice(0, spacing.length), numbers(header.Offset), 1e-6);
  if (header.TransformMatrix) {
    const rows = direction.map((vector) => vector.slice(0, spacing.length));
    facts.close("matrix", rows, numbers(header.TransformMatrix), 1e-6);
  }
}

/** Compares a PNG or a TIFF, whose dims are rows, columns and channels, or pages, rows and columns. */
export async function checkPicture(path, manifest, facts) {
  if (manifest.error !== undefined) return facts.refuses(() => readVolume(path));
  const volume = await readVolume(path);
  const { shape, channels = 1 } = volume;
  const { dims, oracle_limit: limit, mode, palette_entries: palette } = manifest;
  // The manifest's reader turned grey with alpha into colours, and kept the high bytes.
  if (limit != null) return facts.hash("high bytes", highBytes(volume), manifest.sha256);
  const order = path.endsWith(".png") ? [shape[1], shape[0], channels] : [channels, ...[...shape].reverse()];
  facts.equal("shape", withoutOnes(order), withoutOnes(dims));
  if (palette != null) facts.equal("palette", volume.channels, undefined);
  const pixels = channels > 1 && path.endsWith(".png") ? slowestLast(volume) : volume.data;
  facts.equal("type", volume.type, mode === "1" ? "uint8" : manifest.dtype);
  // The truth values of the manifest's reader are bytes of 0 and 255.
  facts.hash("values", mode === "1" ? pixels.map((bit) => 255 * bit) : pixels, manifest.sha256);
}

/** Returns the high bytes of 16-bit colours with channels fastest; grey is red, green and blue. */
function highBytes({ data, channels }) {
  const count = data.length / channels;
  const from = channels === 2 ? [0, 0, 0, 1] : Array.from({ length: channels }, (_, i) => i);
  return Uint8Array.from(
    { length: count * from.length },
    (_, i) => data[from[i % from.length] * count + Math.floor(i / from.length)] >> 8,
  );
}
