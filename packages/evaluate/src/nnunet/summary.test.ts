import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Random, tensor } from "@pixelcal/core";
import { readNnunetDataset } from "@pixelcal/io";
import { expect, test } from "vitest";
import { nnunetSummaryCases } from "./nnunet-cases.js";
import { openNnunetFolder } from "./nnunet-folder.js";
import { nnunetSummary, type SummaryCase, summaryConfusion } from "./summary.js";

const golden = join(import.meta.dirname, "..", "..", "test", "golden", "nnunet");

test("the text is nnU-Net's own", async () => {
  const text = readFileSync(join(golden, "summary.json"), "utf8");
  const folder = await openNnunetFolder({
    predictions: join(golden, "predictions"),
    labels: join(golden, "labels"),
  });
  expect(folder).toMatchObject({
    cases: ["case_000", "case_001", "case_002"],
    missing: [],
    probabilities: false,
  });
  const cases: SummaryCase[] = [];
  for await (const item of nnunetSummaryCases(folder, folder.cases)) cases.push(item);
  // The paths are those of the machine that made the golden.
  const paths = [...text.matchAll(/"(prediction|reference)_file": "(.*)"/g)].map(([, , path]) => path!);
  const named = cases.map((item, i) => ({
    ...item,
    prediction: paths[2 * i]!,
    reference: paths[2 * i + 1]!,
  }));
  expect(nnunetSummary(named, folder.dataset)).toBe(text);
});

/** One pixel after the other, by the definitions alone. */
function counted(predicted: Uint8Array, reference: Uint8Array, members: readonly number[], ignore: number) {
  const sums = { TP: 0, FP: 0, FN: 0, TN: 0 };
  for (let i = 0; i < predicted.length; i++) {
    if (reference[i] === ignore) continue;
    const [guess, truth] = [members.includes(predicted[i]!), members.includes(reference[i]!)];
    sums[guess ? (truth ? "TP" : "FP") : truth ? "FN" : "TN"] += 1;
  }
  return sums;
}

test("regions and a label to ignore, against a count pixel by pixel", async () => {
  const dataset = await readNnunetDataset(
    Buffer.from(
      JSON.stringify({
        labels: { background: 0, WT: [1, 2, 3], TC: [2, 3], ET: 3, ignore: 4 },
        regions_class_order: [1, 2, 3],
        file_ending: ".nii.gz",
      }),
    ),
  );
  const random = Random.fromSeed(7);
  const draw = (classes: number) => Uint8Array.from({ length: 300 }, () => random.integer(classes));
  const reference = draw(5);
  // ET is in no reference and no prediction, so that its Dice is NaN, and with it the mean over regions.
  for (const [i, label] of reference.entries()) if (label === 3) reference[i] = 2;
  const predicted = draw(3);
  const dims = [10, 5, 6];
  const confusion = await summaryConfusion(
    tensor("uint8", predicted, dims),
    tensor("uint8", reference, dims),
    dataset,
  );
  const text = nnunetSummary([{ prediction: "p", reference: "r", confusion }], dataset);
  expect(text).toMatch(/"foreground_mean": \{\n {8}"Dice": NaN,/);
  const summary = JSON.parse(text.replace(/\bNaN\b/g, "null"));
  const { metrics } = summary.metric_per_case[0];
  expect(Object.keys(metrics).sort()).toEqual(["(1, 2, 3)", "(2, 3)", "3"]);
  for (const { labels, list } of dataset.regions) {
    const key = list ? `(${labels.join(", ")})` : `${labels[0]}`;
    const sums = counted(predicted, reference, labels, 4);
    const { TP, FP, FN } = sums;
    const none = TP + FP + FN === 0;
    expect(metrics[key]).toEqual({
      ...sums,
      Dice: none ? null : (2 * TP) / (2 * TP + FP + FN),
      IoU: none ? null : TP / (TP + FP + FN),
      n_pred: TP + FP,
      n_ref: TP + FN,
    });
  }
});
