// Draws docs/report.png, the upper part of a report: node docs/report-picture.mjs [CHROMIUM]. The cases are
// phantoms, whose true probabilities are known. The first model is too confident: its logits are 2.5 times
// those of probabilities near the truth. The second is the first with the temperature that undoes this.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import {
  casePictures,
  evaluate,
  reportOfResults,
  reportPage,
  worstCalibrated,
} from "../packages/evaluate/dist/index.js";
import { generatePhantom, phantomClasses } from "../packages/phantom/dist/index.js";

const executablePath = process.argv[2] ?? "/usr/bin/chromium";
const cases = 30;
const classes = phantomClasses.length;

/** Returns probabilities whose logits are those of `chances`, of another phantom's share, times a factor. */
function sharpened(chances, other, factor) {
  const pixels = chances.data.length / classes;
  const data = new Float32Array(chances.data.length);
  for (let i = 0; i < pixels; i++) {
    let total = 0;
    for (let c = 0; c < classes; c++) {
      const mixed = 0.98 * chances.data[c * pixels + i] + 0.02 * other.data[c * pixels + i] + 1e-6;
      total += data[c * pixels + i] = mixed ** factor;
    }
    for (let c = 0; c < classes; c++) data[c * pixels + i] /= total;
  }
  return { ...chances, data };
}

const phantoms = Array.from({ length: cases }, (_, i) => generatePhantom({ seed: i + 1, size: [96, 96] }));
const predicted = (factor) =>
  phantoms.map(({ probabilities, labels, spacing }, i) => ({
    name: `phantom ${i + 1}`,
    probs: sharpened(probabilities, phantoms[(i + 1) % cases].probabilities, factor),
    labels,
    spacing,
  }));
const runs = [
  ["cross-entropy", predicted(2.5)],
  ["cross-entropy, temperature", predicted(1)],
];
const results = [];
for (const [run, own] of runs) {
  const evaluation = await evaluate(own, { convention: "consistent" });
  results.push({ run, evaluation, missing: [], relabelled: [] });
}
const pictures = [];
for (const name of worstCalibrated(results[1], 2)) {
  const at = runs[0][1].findIndex((each) => each.name === name);
  pictures.push(await casePictures({ runs: runs.map(([, own]) => own[at]), image: phantoms[at].image }));
}
const page = reportPage(
  await reportOfResults(results, { subject: "Phantoms, two models", classes: phantomClasses, pictures }),
);

const folder = mkdtempSync(join(tmpdir(), "pixelcal-report-"));
const browser = await chromium.launch({ executablePath });
try {
  const file = join(folder, "report.html");
  writeFileSync(file, page);
  const tab = await browser.newPage({ viewport: { width: 960, height: 1800 }, colorScheme: "light" });
  await tab.goto(pathToFileURL(file).href);
  const path = fileURLToPath(new URL("report.png", import.meta.url));
  const bytes = await tab.screenshot({ path });
  console.log(`docs/report.png: ${Math.ceil(bytes.length / 1024)} KiB of ${cases} phantoms`);
} finally {
  await browser.close();
  rmSync(folder, { recursive: true });
}
