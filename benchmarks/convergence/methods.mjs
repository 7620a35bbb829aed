// The losses that benchmarks/convergence.mjs compares. `scaled` methods are scored a second time with a
// temperature fitted on the validation split.

const sdc = (options) => ({ name: "signedDistanceCalibration", ...options });

/** Weights of Dice and widths in pixels of the preset `proper`; Dice 1 with width 0 is Dice + CE itself. */
const dices = [0.1, 0.25, 1];
const scales = [0, 0.35, 0.5, 1];

const proper = dices.flatMap((dice) =>
  scales
    .filter((scale) => !(dice === 1 && scale === 0))
    .map((scale) => [
      `proper-${dice}-${scale}`,
      {
        title: scale === 0 ? `Dice ${dice} + CE` : `proper, Dice ${dice}, s ${scale}`,
        loss: sdc({ preset: "proper", dice, scale }),
        scaled: dice === 0.25 && scale === 0,
      },
    ]),
);

/** Every method by name. */
export const methods = {
  "dice-ce": { title: "Dice + CE", loss: { name: "diceCrossEntropy" }, scaled: true },
  ce: { title: "CE", loss: { name: "crossEntropy" }, scaled: true },
  "sdc-reference": { title: "SDC reference", loss: sdc({ preset: "reference" }) },
  "sdc-consistent": { title: "SDC consistent", loss: sdc({ preset: "consistent" }) },
  ...Object.fromEntries(proper),
  nacl: { title: "NACL", loss: { name: "nacl" } },
  svls: { title: "SVLS", loss: { name: "svls" } },
  "margin-svls": { title: "Margin-SVLS", loss: { name: "marginSvls" } },
  mbls: { title: "MbLS", loss: { name: "mbls" } },
  fcl: { title: "FCL", loss: { name: "focalCalibration" } },
  "l1-ace": { title: "mL1-ACE", loss: { name: "l1Ace" } },
};

/** The methods that are run when none are named, the most telling first: few make a useful table. */
export const order = [
  "dice-ce",
  "ce",
  "proper-0.25-0.35",
  "proper-0.25-0",
  "sdc-consistent",
  "sdc-reference",
  ...Object.keys(methods),
].filter((name, i, names) => names.indexOf(name) === i);

/** The methods among which `proper, tuned` takes the one of lowest validation NLL, for each seed. */
export const tunable = ["dice-ce", ...proper.map(([name]) => name)];
