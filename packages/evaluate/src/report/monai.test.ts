import { expect, test } from "vitest";
import { summaryOf } from "../evaluate.js";
import { monaiReports } from "./monai.js";

const pixels = { counted: 4, unbinned: 0, bounded: 0 };
const nan = Number.NaN;
const inf = Number.POSITIVE_INFINITY;
const evaluation = summaryOf(
  (
    [
      ["a", 0.5, 0.03125, 1.5, inf],
      ["b", 1, nan, 0, nan],
      ["c", 0.25, 0.21875, 2.25, 7],
      ["d, e", nan, nan, 3, 4],
    ] as const
  ).map(([name, dice1, dice2, far1, far2]) => ({
    name,
    pixels,
    labels: "",
    scores: {
      DSC: 0.5,
      "pECE if calibrated": 0.25,
      "DSC class 1": dice1,
      "DSC class 2": dice2,
      "HD95 class 1": far1,
      "HD95 class 2": far2,
    },
  })),
);

test("the files are those of MONAI 1.5.0 for the same values", () => {
  const files = new Map(monaiReports(evaluation));
  expect([...files.keys()]).toEqual([
    "metrics.csv",
    "mean_dice_raw.csv",
    "mean_dice_summary.csv",
    "hausdorff_distance_95_raw.csv",
    "hausdorff_distance_95_summary.csv",
  ]);
  expect(files.get("mean_dice_raw.csv")).toBe(
    `filename,class1,class2,mean
a,0.5000,0.0312,0.2656
b,1.0000,nan,1.0000
c,0.2500,0.2188,0.2344
"d, e",nan,nan,nan
`,
  );
  expect(files.get("mean_dice_summary.csv")).toBe(
    `class,mean,median,max,min,90percentile,std,notnans
class1,0.5833,0.5000,1.0000,0.2500,0.9000,0.3118,3.0000
class2,0.1250,0.1250,0.2188,0.0312,0.2000,0.0938,2.0000
mean,0.5000,0.2656,1.0000,0.2344,0.8531,0.3538,3.0000
`,
  );
  expect(files.get("hausdorff_distance_95_summary.csv")).toBe(
    `class,mean,median,max,min,90percentile,std,notnans
class1,1.6875,1.8750,3.0000,0.0000,2.7750,1.1093,4.0000
class2,inf,7.0000,inf,4.0000,nan,nan,3.0000
mean,inf,4.0625,inf,0.0000,nan,nan,4.0000
`,
  );
  expect(files.get("metrics.csv")).toBe(
    "mean_dice,0.5\nhausdorff_distance_95,inf\nDSC,0.5\npECE_if_calibrated,0.25\n",
  );
});

test("a summary of undefined values", () => {
  const scores = { "DSC class 1": nan };
  const files = new Map(monaiReports(summaryOf([{ name: "a", pixels, labels: "", scores }])));
  expect(files.get("mean_dice_summary.csv")).toContain("class1,nan,nan,nan,nan,nan,nan,0.0000\n");
});
