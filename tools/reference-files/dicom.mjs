// DICOM files and series beside the facts of pydicom and dcmtk.
import { readdirSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { readVolume } from "../../packages/io/dist/index.js";
import { slowestLast } from "./geometry.mjs";

/** Compares an image, a segmentation or contours. */
export async function checkDicom(path, manifest, facts) {
  if (manifest.pixel_error !== undefined) return facts.refuses(() => readVolume(path));
  if (manifest.rois) return checkContours(path, manifest, facts);
  if (manifest.segmentation_type) return checkSegmentation(path, manifest, facts);
  if (!manifest.array_dims) return facts.refuses(() => readVolume(path));
  const volume = await readVolume(path);
  const { shape, channels = 1, spacing, origin, direction } = volume;
  const { array_dims: dims, sha256, image_position_LPS: position, image_orientation_LPS: turned } = manifest;
  const [columns, rows, frames = 1] = shape;
  facts.equal("type", volume.type, manifest.dtype);
  facts.equal("shape", [frames, rows, columns, channels].join().replace(/^1,|,1$/g, ""), dims.join());
  facts.hash("values", channels > 1 ? slowestLast(volume) : volume.data, sha256);
  const [down, right] = manifest.pixel_spacing_row_col ??
    manifest.functional_group_spacing?.pixel_spacing_row_col ?? [1, 1];
  facts.close("spacing", spacing.slice(0, 2), [right, down], 1e-6);
  if (position && turned) {
    facts.close("origin", origin, position, 1e-5);
    facts.close("direction", direction.slice(0, 2), turned, 1e-5);
  }
  const slope = manifest.functional_group_rescale?.slope ?? manifest.rescale_slope ?? 1;
  const inter = manifest.functional_group_rescale?.intercept ?? manifest.rescale_intercept ?? 0;
  if (manifest.modality !== "RTDOSE")
    facts.close("scaling", [volume.scaled?.slope ?? 1, volume.scaled?.inter ?? 0], [slope, inter], 1e-9);
}

async function checkSegmentation(path, manifest, facts) {
  const volume = await readVolume(path);
  const { segmentation_type: kind, max_fractional: most, voxels_per_segment: voxels, segments } = manifest;
  const { data, segments: channelSegments, scaled } = volume;
  const counts = {};
  if (kind === "FRACTIONAL") {
    facts.close("scaling", [scaled.slope, scaled.inter], [1 / most, 0], 1e-7);
    facts.hash("values", data, manifest.sha256);
    facts.equal("kind", typeof volume.fraction, "string");
    const size = data.length / channelSegments.length;
    for (const [i, segment] of channelSegments.entries())
      counts[segment] = data.subarray(i * size, (i + 1) * size).filter((value) => value > 0).length;
    facts.equal("voxels", counts, voxels);
  } else {
    const labels = channelSegments ? undefined : data;
    for (const key of Object.keys(voxels)) {
      // Background between frames is not counted in the file.
      if (key === "0") continue;
      const channel = channelSegments?.indexOf(Number(key));
      const size = channelSegments ? data.length / channelSegments.length : 0;
      counts[key] = labels
        ? labels.filter((value) => value === Number(key)).length
        : data.subarray(channel * size, (channel + 1) * size).filter((value) => value !== 0).length;
    }
    const { 0: _, ...wanted } = voxels;
    facts.equal("voxels", counts, wanted);
  }
  for (const { number, label } of segments)
    if (number > 0) facts.equal(`name ${number}`, volume.names.get(number), label);
  const [first] = manifest.positions_first_last ?? [];
  if (first) facts.close("origin", volume.origin, first, 1e-5);
  const spacing = manifest.functional_group_spacing?.pixel_spacing_row_col;
  if (spacing) facts.close("spacing", volume.spacing.slice(0, 2), [...spacing].reverse(), 1e-6);
}

/** Reads contours on a grid around all of them: every region with closed contours has voxels and its name. */
async function checkContours(path, { rois }, facts) {
  const closed = rois.filter(({ types }) => types.includes("CLOSED_PLANAR"));
  const [low, high] = closed[0].bbox_LPS;
  const planes = closed[0].z_planes;
  const step = (high[2] - low[2]) / (planes - 1);
  const grid = {
    shape: [Math.ceil((high[0] - low[0]) / 4) + 1, Math.ceil((high[1] - low[1]) / 4) + 1, planes],
    spacing: [4, 4, step],
    origin: low,
    direction: [
      [1, 0, 0],
      [0, 1, 0],
      [0, 0, 1],
    ],
  };
  const volume = await readVolume(path, { grid });
  facts.equal(
    "names",
    [...volume.names.values()],
    closed.map(({ name }) => name),
  );
  facts.equal(
    "approximate",
    volume.notes.some((note) => note.includes("approximate")),
    true,
  );
  facts.equal(
    "empty",
    volume.data.every((value) => value === 0),
    false,
  );
}

/** Compares a series: its order, spacing along the normal, first position and sorted values. */
export async function checkSeries(folder, manifest, facts) {
  if (!manifest.same_orientation) return facts.refuses(() => readVolume(folder), basename(folder));
  const { order, slice_spacing_median: step, first_position_LPS: position, normal_LPS: normal } = manifest;
  const volume = await readVolume(folder);
  facts.equal("type", volume.type, manifest.stored_dtype);
  facts.equal("shape", [...volume.shape], [manifest.columns, manifest.rows, manifest.files]);
  facts.close("step", volume.spacing[2], step, 1e-6);
  facts.close("first position", volume.origin, position, 1e-5);
  facts.close("normal", volume.direction[2], normal, 1e-5);
  facts.hash("sorted values", volume.data, manifest.sha256);
  // Slice by slice: the order is that of the manifest, whatever order the files are given in.
  const size = volume.data.length / order.length;
  const given = readdirSync(folder).map((name) => join(folder, name));
  const listed = await readVolume([...given].reverse());
  for (const [i, name] of order.entries()) {
    const one = await readVolume(join(dirname(given[0]), name));
    facts.equal(`slice ${i}`, Buffer.compare(Buffer.from(one.data.buffer), bytesOf(listed.data, i, size)), 0);
  }
}

const bytesOf = (data, i, size) => {
  const part = data.subarray(i * size, (i + 1) * size);
  return Buffer.from(part.buffer, part.byteOffset, part.byteLength);
};
