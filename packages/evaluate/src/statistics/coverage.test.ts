import { Random } from "@pixelcal/core";
import { expect, test } from "vitest";
import type { EvaluationRow } from "../evaluate.js";
import { compareRuns } from "./compare-runs.js";

// The small version of benchmarks/coverage.mjs: studies of simulated cases whose figures are known.
const studies = 150;
const patients = 20;
const bins = 15;

/** The gap between confidence and accuracy over all cases, in every bin; the second model has half of it. */
const gap = 0.06;

/** Returns a histogram of a case that is off by `own` in all of its bins. */
function histogram(counts: readonly number[], own: number) {
  const confidence = counts.map((count, b) => (count * (b + 0.5)) / bins);
  return {
    count: counts,
    confidence,
    accuracy: confidence.map((sum, b) => sum - own * counts[b]!),
    falsePositive: counts.map(() => 0),
  };
}

/** Makes the two cases of a patient, whose faults have a part in common, as both models score them. */
function casesOf(random: Random, patient: number): (readonly [EvaluationRow, EvaluationRow])[] {
  const shared = random.normal();
  return [0, 1].map((image) => {
    const common = { name: `case ${patient} ${image}`, labels: "", group: `patient ${patient}` };
    const counts = Array.from({ length: bins }, () => 200 + random.integer(800));
    const fault = 0.03 * shared + 0.02 * random.normal();
    const skew = 0.1 * Math.exp(0.6 * (shared + random.normal()));
    const row = (dice: number, own: number): EvaluationRow => ({
      ...common,
      scores: { DSC: dice },
      pixels: { counted: 1, unbinned: 0, bounded: 0 },
      sums: {
        topLabel: histogram(counts, own),
        classes: [],
        sizes: { truth: [], predicted: [], both: [] },
      },
    });
    return [row(0.95 - skew, gap + fault), row(0.96 - skew + 0.01 * random.normal(), gap / 2 + fault / 2)];
  });
}

/** The mean of exp(0.6 (z + w)) over independent normal z and w. */
const meanSkew = 0.1 * Math.exp(0.36);

test("of 150 studies with 20 patients, 95 % intervals hold the truth in about 95 %", async () => {
  const random = Random.fromSeed(11);
  const truth = {
    DSC: [0.95 - meanSkew, 0.96 - meanSkew, 0.01],
    "ECE pooled": [gap, gap / 2, -gap / 2],
  };
  const covered = { DSC: [0, 0, 0], "ECE pooled": [0, 0, 0] };
  for (let study = 0; study < studies; study++) {
    const cases = Array.from({ length: patients }, (_, patient) => casesOf(random, patient)).flat();
    const measures = Object.keys(truth);
    const { differences } = await compareRuns(
      cases.map(([before]) => before),
      cases.map(([, after]) => after),
      { measures, draws: 500 },
    );
    for (const { name, before, after, difference } of differences)
      for (const [i, { interval }] of [before, after, difference].entries()) {
        const value = truth[name as keyof typeof truth][i]!;
        if (interval!.low <= value && value <= interval!.high) covered[name as keyof typeof covered][i]!++;
      }
  }
  // A share of 150 studies has a standard error of 1.8 %.
  for (const counts of Object.values(covered))
    for (const count of counts) {
      expect(count / studies).toBeGreaterThan(0.9);
      expect(count / studies).toBeLessThan(0.995);
    }
});
