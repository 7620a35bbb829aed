import { confusionCounts, type Labels, type Region, type Tensor } from "@pixelcal/core";
import type { NnunetDataset } from "@pixelcal/io";
import { pythonJson, Real } from "./python-json.js";

/** A case of nnU-Net's summary: its files, and pixels by true and predicted class, `[classes, classes]`. */
export interface SummaryCase {
  readonly prediction: string;
  readonly reference: string;
  readonly confusion: Tensor<"float64">;
}

/** The measures of a region in a case, in nnU-Net's words; Dice and IoU are NaN if it is in neither mask. */
interface RegionMeasures {
  readonly Dice: number;
  readonly FN: number;
  readonly FP: number;
  readonly IoU: number;
  readonly TN: number;
  readonly TP: number;
  readonly n_pred: number;
  readonly n_ref: number;
}

const measures = ["Dice", "FN", "FP", "IoU", "TN", "TP", "n_pred", "n_ref"] as const;

/** Counts the pixels of a case as nnU-Net does: those whose reference is `ignore` count in nothing. */
export async function summaryConfusion(
  predicted: Labels,
  reference: Labels,
  { classes, ignore }: NnunetDataset,
): Promise<Tensor<"float64">> {
  const image = (labels: Labels): Labels => ({ ...labels, dims: [1, ...labels.dims] }) as Labels;
  return confusionCounts(image(predicted), image(reference), { classes, ignore });
}

function measuresOf({ dims, data }: Tensor<"float64">, { labels }: Region): RegionMeasures {
  const classes = dims.at(-1)!;
  const inside = new Set(labels);
  let [TP, FP, FN, TN] = [0, 0, 0, 0];
  for (let truth = 0; truth < classes; truth++)
    for (let guess = 0; guess < classes; guess++) {
      const count = data[truth * classes + guess]!;
      if (inside.has(truth)) {
        if (inside.has(guess)) TP += count;
        else FN += count;
      } else if (inside.has(guess)) FP += count;
      else TN += count;
    }
  const none = TP + FP + FN === 0;
  const Dice = none ? Number.NaN : (2 * TP) / (2 * TP + FP + FN);
  const IoU = none ? Number.NaN : TP / (TP + FP + FN);
  return { Dice, FN, FP, IoU, TN, TP, n_pred: TP + FP, n_ref: TP + FN };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** The key of a region: its label, or Python's text of the tuple that a list of labels becomes. */
function keyOf({ labels, list }: NnunetDataset["regions"][number], hasRegions: boolean): string {
  if (!hasRegions || !list) return String(labels[0]);
  return labels.length === 1 ? `(${labels[0]},)` : `(${labels.join(", ")})`;
}

/**
 * Returns the text of nnU-Net's summary.json: the counts, Dice and IoU of every region in every case, their
 * means over cases without NaN, and the mean over regions, which is NaN if one of them is in no case. NaN is
 * written as the bare token `NaN`, as nnU-Net writes it, which is not JSON.
 */
export function nnunetSummary(cases: readonly SummaryCase[], dataset: NnunetDataset): string {
  const regions = dataset.regions.map((region) => ({
    region,
    key: keyOf(region, dataset.hasRegions),
  }));
  const rows = cases.map(({ prediction, reference, confusion }) => ({
    metrics: Object.fromEntries(regions.map(({ region, key }) => [key, measuresOf(confusion, region)])),
    prediction_file: prediction,
    reference_file: reference,
  }));
  const means = Object.fromEntries(
    regions.map(({ key }) => [
      key,
      Object.fromEntries(
        measures.map((measure) => {
          const values = rows.map(({ metrics }) => metrics[key]![measure]);
          return [measure, new Real(mean(values.filter((value) => !Number.isNaN(value))))];
        }),
      ),
    ]),
  );
  const foreground = Object.fromEntries(
    measures.map((measure) => [
      measure,
      new Real(mean(Object.values(means).map((each) => each[measure]!.value))),
    ]),
  );
  const caseRows = rows.map(({ metrics, ...files }) => ({
    metrics: Object.fromEntries(
      Object.entries(metrics).map(([key, { Dice, IoU, ...counts }]) => [
        key,
        { ...counts, Dice: new Real(Dice), IoU: new Real(IoU) },
      ]),
    ),
    ...files,
  }));
  return pythonJson({ foreground_mean: foreground, mean: means, metric_per_case: caseRows });
}
