// The losses that benchmarks/convergence.mjs compares. `scaled` methods are scored a second time with a
// temperature fitted on the validation split, `calibrated` ones a third time with the calibrator that has a
// temperature for every distance to the predicted boundary.

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
        scaled: dice === 0.25 && scale <= 0.35,
        calibrated: dice === 1 && scale === 1,
      },
    ]),
);

const diceCe = { name: "diceCrossEntropy" };
const soft = (options) => sdc({ preset: "proper", scale: 0.35, ...options });
/** Dice + CE for two thirds of the epochs, then a proper loss. */
const finished = (loss) => [
  { until: 2 / 3, loss: diceCe },
  { until: 1, loss },
];

/** Designs that were tried beside `proper`, and the baseline with what they add. */
const further = {
  "finish-0": { title: "Dice + CE, then proper, Dice 0", stages: finished(soft({ dice: 0 })), scaled: true },
  "finish-0.25": {
    title: "Dice + CE, then proper",
    stages: finished(soft({})),
    scaled: true,
    calibrated: true,
  },
  "proper-l2": { title: "proper with l2", loss: soft({ alpha: 1 }), scaled: true },
  "dice-ce-ema": { title: "Dice + CE, EMA", loss: diceCe, trainer: { ema: 0.99 }, scaled: true },
  "proper-ema": { title: "proper, EMA", loss: soft({}), trainer: { ema: 0.99 }, scaled: true },
};

/** Every method by name. */
export const methods = {
  "dice-ce": { title: "Dice + CE", loss: diceCe, scaled: true, calibrated: true },
  ce: { title: "CE", loss: { name: "crossEntropy" }, scaled: true },
  "sdc-reference": { title: "SDC reference", loss: sdc({ preset: "reference" }) },
  "sdc-consistent": { title: "SDC consistent", loss: sdc({ preset: "consistent" }) },
  ...Object.fromEntries(proper),
  ...further,
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
