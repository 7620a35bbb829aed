// Whether intervals cover: simulated studies draw cases from a large population of phantoms whose figures are
// known, and count how often the 95 % intervals hold them.
//
//   node benchmarks/coverage.mjs [--patients 1500] [--studies 500] [--draws 2000] [--work FOLDER]
//
// It can be stopped and started again: cases and studies that are done are kept in FOLDER. The table goes to
// benchmarks/results/coverage.md.
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { Random } from "@pixelcal/core";
import { compareRuns, formatMarkdown, runStatistics } from "@pixelcal/evaluate";
import { commit, here } from "./checkout.mjs";
import { population } from "./studies/population.mjs";

const { values } = parseArgs({
  options: {
    patients: { type: "string", default: "1500" },
    studies: { type: "string", default: "500" },
    draws: { type: "string", default: "2000" },
    work: { type: "string", default: join(here, "work", "coverage") },
  },
});
const [patients, studies, draws] = [values.patients, values.studies, values.draws].map(Number);
const work = resolve(values.work);
const say = (text) => process.stderr.write(`${text}\n`);

const measures = ["DSC", "ECE", "ECE pooled", "boundary ECE", "boundary ECE pooled", "NLL"];
/** The interval that is shown, and the two that stand beside it. */
const kinds = ["interval", "percentile", "bca"];
const designs = [
  { name: "20 cases", patients: 20, images: 1 },
  { name: "60 cases", patients: 60, images: 1 },
  { name: "20 patients with 2 cases each", patients: 20, images: 2 },
];
/** The cases of the studies whose debiased error is averaged. */
const few = 5;

const all = await population(work, patients, say);

/** Returns a row with the scores and sums of the measures alone. */
function lean({ scores, sums, ...row }) {
  const columns = measures.filter((name) => name in scores);
  return {
    ...row,
    scores: Object.fromEntries(columns.map((name) => [name, scores[name]])),
    sums: { ...sums, classes: [] },
  };
}

/** Returns both models' rows of chosen patients, each as a patient of its own. */
function studyRows(chosen, images) {
  const pick = (rows) =>
    chosen.flatMap((patient, k) =>
      Array.from({ length: images }, (_, image) => ({
        ...lean(rows[2 * patient + image]),
        name: `case ${String(images * k + image).padStart(5, "0")}`,
        labels: "",
        group: `patient ${String(k).padStart(5, "0")}`,
      })),
    );
  return [pick(all.before), pick(all.after)];
}

const drawPatients = (random, count) => Array.from({ length: count }, () => random.integer(patients));

/** Returns the figures of the whole population. */
async function truthOf(images) {
  const [before, after] = studyRows(
    Array.from({ length: patients }, (_, p) => p),
    images,
  );
  const { differences } = await compareRuns(before, after, { measures, draws: 100 });
  return Object.fromEntries(
    differences.map(({ name, before, after, difference }) => [
      name,
      { before: before.value, after: after.value, difference: difference.value },
    ]),
  );
}

/** Returns a study's intervals: [low, high] by measure, model and kind. */
async function studyOf(random, design) {
  const [before, after] = studyRows(drawPatients(random, design.patients), design.images);
  const { differences } = await compareRuns(before, after, { measures, draws });
  return Object.fromEntries(
    differences.map(({ name, ...found }) => [
      name,
      Object.fromEntries(
        ["before", "after", "difference"].map((which) => [
          which,
          Object.fromEntries(kinds.map((kind) => [kind, [found[which][kind].low, found[which][kind].high]])),
        ]),
      ),
    ]),
  );
}

/** Runs the studies that a file lacks, and returns all of them. */
async function studiesOf(file, one) {
  const path = join(work, file);
  const done = existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : [];
  while (done.length < studies) {
    done.push(await one(Random.fromSeed(1).split(file).split(done.length), done.length));
    if (done.length % 25 > 0 && done.length < studies) continue;
    writeFileSync(`${path}.tmp`, JSON.stringify(done));
    renameSync(`${path}.tmp`, path);
    say(`${file}: ${done.length} of ${studies} studies`);
  }
  return done.slice(0, studies);
}

const percent = (share) => `${(100 * share).toFixed(1)} %`;

const rows = [];
for (const design of designs) {
  const truth = await truthOf(design.images);
  const file = `intervals-${design.patients}x${design.images}-${draws}.json`;
  const found = await studiesOf(file, (random) => studyOf(random, design));
  for (const name of measures)
    for (const which of ["before", "after", "difference"]) {
      const value = truth[name][which];
      const cells = kinds.map((kind) => {
        const intervals = found.map((study) => study[name][which][kind]);
        const covered = intervals.filter(([low, high]) => low <= value && value <= high).length;
        const width = intervals.reduce((sum, [low, high]) => sum + high - low, 0) / found.length;
        return { covered: percent(covered / found.length), width: width.toFixed(4) };
      });
      rows.push({ design: design.name, name: which === "before" ? name : `${name}, ${which}`, value, cells });
    }
}

const error = async (rows) => (await runStatistics(rows, { draws: 100 })).topLabel.debiased.squared;
const signedRoot = (value) => Math.sign(value) * Math.sqrt(Math.abs(value));
const [truthBefore, truthAfter] = await Promise.all(
  studyRows(
    Array.from({ length: patients }, (_, p) => p),
    1,
  ).map(error),
);
const debiased = await studiesOf(`debiased-${few}.json`, async (random) => {
  const [before, after] = studyRows(drawPatients(random, few), 1);
  return [await error(before), await error(after)];
});
const mean = (list) => list.reduce((a, b) => a + b, 0) / list.length;
const debiasedRows = [truthBefore, truthAfter].map((truth, m) => ({
  model: ["before", "after"][m],
  truth: signedRoot(truth),
  found: mean(debiased.map((study) => signedRoot(study[m]))),
  square: signedRoot(mean(debiased.map((study) => study[m]))),
}));

const text = (value) => value.toFixed(4);
const report = `# Coverage of 95 % intervals over cases

${studies} simulated studies of each design draw patients with replacement from ${patients} (two phantoms of 32 x 32 pixels each, whose
faults are correlated within an image and within a patient); the truth is the figure of all of them. *before* is an
over-confident model, *after* a less over-confident one with errors of its own, *difference* is paired. ${draws} draws each, levels
expanded for few groups; *interval* is the one that is shown, of pooled errors the percentile interval moved by its bias. A share of 500 studies has a standard error of 1.0 %.

${formatMarkdown(rows, [
  { title: "study", align: "left", cell: ({ design }) => design },
  { title: "figure", align: "left", cell: ({ name }) => name },
  { title: "truth", cell: ({ value }) => text(value) },
  ...kinds.flatMap((kind, k) => [
    { title: `${kind} covers`, cell: ({ cells }) => cells[k].covered },
    { title: "mean width", cell: ({ cells }) => cells[k].width },
  ]),
])}
The calibration error debiased by case, top label, ${studies} studies of ${few} cases: the mean of the estimates, each the root of its
squared estimate with the sign of that, and the root of the mean of the squared estimates.

${formatMarkdown(debiasedRows, [
  { title: "model", align: "left", cell: ({ model }) => model },
  { title: "truth", cell: ({ truth }) => text(truth) },
  { title: "mean of estimates", cell: ({ found }) => text(found) },
  { title: "root of mean square", cell: ({ square }) => text(square) },
])}
\`node benchmarks/coverage.mjs --patients ${patients} --studies ${studies} --draws ${draws}\`, Node ${process.versions.node}, commit ${commit()}.
`;
writeFileSync(join(here, "results", "coverage.md"), report);
process.stdout.write(report);
