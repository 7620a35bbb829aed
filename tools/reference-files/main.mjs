// Reads every file of a corpus and compares what the readers return with the facts of its manifest.json,
// which independent readers gave (nibabel, pydicom, dcmtk, pynrrd, numpy, Pillow, tifffile):
//
//   node tools/reference-files/main.mjs FOLDER [--only nifti,png]
//
// Shapes and types must be equal, spacing to 1e-6, affines to 1e-5, hashes of the stored values equal, slices
// of a series in its order. Files that the other readers refuse must be typed errors that name the file, each
// within 50 ms. The last line is the sum; the exit code is 1 if anything differs.
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { checkArchive, checkArray, checkPickle } from "./arrays.mjs";
import { checkDicom, checkSeries } from "./dicom.mjs";
import { compare } from "./facts.mjs";
import { checkPicture, checkVolume } from "./volumes.mjs";

const { values, positionals } = parseArgs({ options: { only: { type: "string" } }, allowPositionals: true });
const [given] = positionals;
if (given === undefined) throw new Error("expected the folder of manifest.json");
const folder = resolve(given);
const { files, series } = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
const only = values.only?.split(",");
const wanted = (category) => only === undefined || only.includes(category);

/** The check of a file, by its category; text files have none. */
function checkOf({ category, path, facts }) {
  if (facts.part_of !== undefined || path.endsWith(".json")) return undefined;
  if (category === "pickle") return checkPickle;
  if (category.startsWith("dicom") || category === "rtstruct") return checkDicom;
  if (path.endsWith(".npz")) return checkArchive;
  if (path.endsWith(".npy")) return checkArray;
  return category === "png" || path.endsWith(".png") || category === "tiff" || path.endsWith(".tif")
    ? checkPicture
    : checkVolume;
}

const found = { compared: 0, refused: 0, failed: 0, left: [] };
for (const file of files.filter((each) => wanted(each.category))) {
  const check = checkOf(file);
  if (check) await compare(file.path, found, (facts) => check(join(folder, file.path), file.facts, facts));
}
if (wanted("dicom-series"))
  for (const [name, facts] of Object.entries(series)) {
    const place = join(folder, "dicom-series", name);
    await compare(`dicom-series/${name}`, found, (record) => checkSeries(place, facts, record));
  }
for (const text of found.left) console.log(`not compared: ${text}`);
console.log(`${found.compared} comparisons, ${found.refused} refusals, ${found.failed} failed`);
process.exitCode = found.failed === 0 ? 0 : 1;
