import { expect, test } from "vitest";
import { type EpochRecord, logOf } from "./epoch-record.js";
import { isBest, type Selection, selectionValues } from "./selection.js";

const history = (values: readonly (number | undefined)[]): EpochRecord[] =>
  values.map((value, i) => ({
    epoch: i + 1,
    learningRate: 0.1,
    trainLoss: 1,
    trainTerms: {},
    ...(value !== undefined && { validationLoss: 1, validationDice: value, validationPece: value }),
  }));

/** Returns the best epoch of a training that chooses after every epoch. */
function bestOf(values: readonly (number | undefined)[], selection: Selection, ema?: number): number {
  let best = 0;
  for (let epochs = 1; epochs <= values.length; epochs++)
    if (isBest(history(values.slice(0, epochs)), best, selection, ema)) best = epochs;
  return best;
}

test("the best epoch has the highest Dice or the lowest error, the first of equals", () => {
  expect(bestOf([0.5, 0.8, 0.8, 0.7], "dice")).toBe(2);
  expect(bestOf([0.5, 0.2, 0.2, 0.3], "pece")).toBe(2);
});

test("an average passes over an epoch of luck", () => {
  const values = [0.5, 0.9, 0.55, 0.6, 0.65, 0.7, 0.75];
  expect(bestOf(values, "dice")).toBe(2);
  expect(bestOf(values, "dice", 0.9)).toBe(7);
  // 0.9 times the average so far plus 0.1 times the epoch's own, as nnU-Net's ema_fg_dice.
  const averages = selectionValues(history([0.5, 0.9, 0.6]), "dice", 0.9);
  expect(averages).toEqual([0.5, 0.54, 0.546].map((value) => expect.closeTo(value, 12)));
});

test("epochs of checkpoints without the field, or without a score, are worse than any with one", () => {
  expect(bestOf([undefined, 0.1, 0.05], "dice")).toBe(2);
  expect(bestOf([Number.NaN, 0.4, Number.NaN], "pece", 0.5)).toBe(2);
});

test("the log has a column per class and score, empty where a class has none", () => {
  const [record] = history([0.5]);
  const classes = { dice: [0.9, null], ece: [0.1, 0.2], pece: [0.3, null] };
  const lines = logOf([record!, { ...record!, epoch: 2, validationClasses: classes }]).split("\n");
  expect(lines[0]).toBe(
    "epoch,learning_rate,train_loss,validation_loss,validation_dice,validation_nll,validation_ece,validation_pece," +
      "validation_dice_class_0,validation_dice_class_1,validation_ece_class_0,validation_ece_class_1," +
      "validation_pece_class_0,validation_pece_class_1",
  );
  expect(lines.slice(1, 3)).toEqual(["1,0.1,1,1,0.5,,,0.5,,,,,,", "2,0.1,1,1,0.5,,,0.5,0.9,,0.1,0.2,0.3,"]);
});
