import { expect, test } from "vitest";
import { type DemoRow, demoTable, demoWords } from "./demo-table.js";

const row = (run: string, change: Partial<DemoRow> = {}): DemoRow => ({
  run,
  DSC: 0.9,
  NLL: 0.1,
  fpBrier: 0.05,
  ece: 0.01,
  boundary: 0.02,
  temperature: 1,
  pece: 0.2,
  calibrated: 0.19,
  ...change,
});

test("the table has the distance to the truth where it is known", () => {
  const known = [row("proper", { truth: 0.012 }), row("dicece", { truth: 0.02, temperature: 1.31 })];
  expect(demoTable(known)).toBe(
    "run     truth error     NLL  fpBrier     DSC     ECE  boundary ECE  temperature    pECE  if calibrated\n" +
      "------  -----------  ------  -------  ------  ------  ------------  -----------  ------  -------------\n" +
      "proper       0.0120  0.1000   0.0500  0.9000  0.0100        0.0200        1.000  0.2000         0.1900\n" +
      "dicece       0.0200  0.1000   0.0500  0.9000  0.0100        0.0200        1.310  0.2000         0.1900\n",
  );
  expect(demoTable([row("ce")])).not.toContain("truth");
});

test("the words say how far apart the networks are, and in what", () => {
  const rows = [
    row("proper", { NLL: 0.09, truth: 0.021, boundary: 0.004 }),
    row("dicece", { truth: 0.02, temperature: 1.31, DSC: 0.908 }),
    row("nacl", { NLL: 0.12, truth: 0.05, temperature: 0.7, pece: 0.15, calibrated: 0.22 }),
  ];
  expect(
    demoWords(rows),
  ).toBe(`NLL, a proper score, from proper (0.0900) to nacl (0.1200); DSC from proper (0.9000) to dicece (0.9080).
Distance to the truth from dicece (0.0200) to nacl (0.0500).
Temperature: over-confident dicece (1.31); under-confident nacl (0.70); within 0.1 of 1 proper (1.00). Boundary ECE from proper (0.0040) to nacl (0.0200).
The lowest pECE, 0.1500, has nacl; calibrated predictions with its probabilities would score 0.2200.
Most of a pECE is no calibration error, and low confidence lowers it: do not choose a network by it.`);
});

test("without the truth there is no word of it; one run needs no words", () => {
  expect(demoWords([row("ce"), row("dicece")])).not.toMatch(/truth/);
  expect(demoWords([row("ce")])).toBe("");
});
