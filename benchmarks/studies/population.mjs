// A population of phantoms with two models' predictions, of which every figure is known exactly: the sums of
// all of its cases, kept in files.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random, tensor } from "@pixelcal/core";
import { evaluate, formatResults, readResults } from "@pixelcal/evaluate";
import { generatePhantom } from "../../packages/phantom/dist/index.js";

const side = 32;
const pixels = side * side;
/** The pixel size in mm at which the whole heart is in view. */
const spacing = [6, 6];
const perFile = 50;

/** The models by name: their power (above 1 is over-confident) and their bias towards the background. */
const models = {
  before: ({ power, bias }) => ({ power, bias }),
  // Half as over-confident, with errors of its own.
  after: ({ power, bias, own }) => ({ power: Math.sqrt(power), bias: 0.6 * bias + 0.4 * own }),
};

/** Returns probabilities whose logarithms are scaled by `power`, with `bias` added to the background's. */
function distorted({ type, dims, data }, { power, bias }) {
  const values = data.map((p, i) => p ** power * (i < pixels ? Math.exp(bias) : 1));
  for (let i = 0; i < pixels; i++) {
    let sum = 0;
    for (let c = 0; c < 4; c++) sum += values[c * pixels + i];
    for (let c = 0; c < 4; c++) values[c * pixels + i] /= sum;
  }
  return tensor(type, values, dims);
}

/** Returns both models' cases of a patient: two images, whose faults have a part in common. */
function casesOf(patient) {
  const random = Random.fromSeed(patient).split("models");
  const shared = random.normal();
  return [0, 1].map((image) => {
    const faults = {
      power: Math.exp(0.5 + 0.3 * shared + 0.2 * random.normal()),
      bias: 0.8 * random.normal(),
      own: random.normal(),
    };
    const seed = 2 * patient + image;
    const { probabilities, labels } = generatePhantom({ seed, size: [side, side], spacing });
    const name = `case ${String(2 * patient + image).padStart(5, "0")}`;
    return Object.values(models).map((model) => ({
      name,
      group: `patient ${patient}`,
      labels,
      probs: distorted(probabilities, model(faults)),
    }));
  });
}

/** Returns the rows of both models for `patients` patients, two cases each; reads what is in `folder`. */
export async function population(folder, patients, progress) {
  mkdirSync(folder, { recursive: true });
  const rows = { before: [], after: [] };
  for (let first = 0; first < patients; first += perFile) {
    const file = join(folder, `population-${first}.json`);
    if (!existsSync(file)) {
      const cases = Array.from({ length: perFile }, (_, i) => casesOf(first + i)).flat();
      const runs = await Promise.all(
        Object.keys(models).map(async (run, m) => ({
          run,
          evaluation: await evaluate(
            cases.map((each) => each[m]),
            { convention: "consistent" },
          ),
          missing: [],
          relabelled: [],
        })),
      );
      writeFileSync(file, formatResults({ software: {}, settings: { side, first }, runs }));
      progress(`${first + perFile} of ${patients} patients`);
    }
    for (const { run, evaluation } of readResults(readFileSync(file, "utf8"), file).runs)
      rows[run].push(...evaluation.rows);
  }
  return rows;
}
