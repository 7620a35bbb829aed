// Writes volumes in every format and type, and lets the field's own readers say what they see:
//
//   node tools/written-volumes/check.mjs [--python python3]
//
// nibabel reads NIfTI, pynrrd NRRD, Pillow PNG, zlib MetaImage, numpy NPY and NPZ, SimpleITK whatever it can,
// pydicom DICOM segmentations, whose modules dciodvfy of dicom3tools checks. Values must be equal and the
// affine equal to the float32 of a NIfTI header. A reader that is missing is reported as missing; the exit
// code is 1 if any disagrees.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { writeNpy, writeNpz, writeVolume } from "../../packages/io/dist/index.js";

const { values } = parseArgs({ options: { python: { type: "string", default: "python3" } } });
const here = dirname(fileURLToPath(import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "written-volumes-"));

const types = {
  uint8: Uint8Array,
  int16: Int16Array,
  uint16: Uint16Array,
  float32: Float32Array,
};
const [c, s] = [Math.cos(0.4), Math.sin(0.4)];
const turned = {
  spacing: [0.7, 1.1, 3.3],
  origin: [-12.5, 30.25, 100.125],
  direction: [
    [c, s, 0],
    [-s, c, 0],
    [0, 0, -1],
  ],
};
const shape = [5, 4, 3];

/** The affine from voxels to RAS, row by row. */
function affineOf({ spacing, origin, direction }) {
  return [0, 1, 2].map((row) => {
    const sign = row < 2 ? -1 : 1;
    return [...direction.map((column, axis) => sign * column[row] * spacing[axis]), sign * origin[row]];
  });
}

const expected = [];
async function write(name, volume, options) {
  await writeVolume(join(folder, name), volume, options);
  expect(name, volume);
}

/** Writes the values of a volume as NumPy's arrays, the slowest axis first. */
async function writeArrays(stem, volume) {
  const { type, data, channels, shape } = volume;
  const tensor = { type, data, dims: [...(channels ? [channels] : []), ...shape.toReversed()] };
  await writeNpy(join(folder, `${stem}.npy`), tensor);
  await writeNpz(join(folder, `${stem}.npz`), { probabilities: tensor });
  for (const ending of ["npy", "npz"]) expect(`${stem}.${ending}`, volume);
}

function expect(name, volume) {
  const { type, data, channels, names } = volume;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  expected.push({
    name,
    type,
    // x fastest, channels slowest.
    shape: [...volume.shape, ...(channels ? [channels] : [])],
    sha256: createHash("sha256").update(bytes).digest("hex"),
    affine: volume.shape.length === 3 ? affineOf(volume) : null,
    names: names ? Object.fromEntries(names) : null,
  });
}

try {
  for (const [type, List] of Object.entries(types)) {
    for (const channels of [undefined, 3]) {
      const data = List.from({ length: 60 * (channels ?? 1) }, (_, i) => (type === "float32" ? i / 7 : i));
      const volume = { type, data, shape, ...turned, ...(channels && { channels }) };
      const stem = `${type}${channels ? "-channels" : ""}`;
      for (const ending of ["nii", "nii.gz", "nrrd", "mha"]) await write(`${stem}.${ending}`, volume);
      if (channels) await write(`${stem}-vector.nii.gz`, volume, { channelAxis: "vector" });
      await writeArrays(stem, volume);
    }
    if (type === "uint8" || type === "uint16") {
      const data = List.from({ length: 12 }, (_, i) => i * (type === "uint8" ? 1 : 5000));
      const flat = {
        type,
        data,
        shape: [4, 3],
        spacing: [1, 1],
        origin: [0, 0, 0],
        direction: turned.direction.slice(0, 2),
      };
      await write(`${type}.png`, flat);
      if (type === "uint8") await write("palette.png", flat, { palette: true });
    }
  }
  const labels = Uint8Array.from({ length: 60 }, (_, i) => i % 4);
  const names = new Map([
    [1, "liver"],
    [2, "left & right kidney"],
    [3, "spleen"],
  ]);
  for (const name of ["names.nii.gz", "names.seg.nrrd"])
    await write(name, { type: "uint8", data: labels, shape, ...turned, names });
  // Frames of 5 x 4 pixels do not end at a byte, and DICOM's slices follow the normal.
  const along = { ...turned, direction: [...turned.direction.slice(0, 2), [0, 0, 1]] };
  for (const segmentation of ["binary", "labelmap"])
    for (const type of ["uint8", "uint16"]) {
      const name = `${segmentation}${type === "uint8" ? "" : "-16"}.dcm`;
      await write(name, { type, data: types[type].from(labels), shape, ...along, names }, { segmentation });
    }
  writeFileSync(join(folder, "expected.json"), JSON.stringify(expected));
  const { status, error } = spawnSync(values.python, [join(here, "read.py"), folder], { stdio: "inherit" });
  if (error) console.log(`no readers: ${values.python} cannot be run (${error.code})`);
  process.exitCode = error ? 0 : (status ?? 1);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
