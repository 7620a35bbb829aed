/** The record of one epoch; epochs count from 1. */
export interface EpochRecord {
  readonly epoch: number;
  /** The learning rate of the epoch's last batch. */
  readonly learningRate: number;
  /** Mean over the epoch's images. */
  readonly trainLoss: number;
  readonly trainTerms: Readonly<Record<string, number>>;
  /** Mean over the validation images, with inference behaviour. */
  readonly validationLoss?: number;
  /**
   * Mean foreground Dice score over the validation images, without pixels that the loss ignores. Images in
   * which every pixel is ignored do not count.
   */
  readonly validationDice?: number;
  /**
   * Mean negative log-likelihood of the labels over the validation images, of the same images and pixels.
   * Absent from epochs of checkpoints that are older than this field.
   */
  readonly validationNll?: number;
}

/** The criterion of the best epoch. */
export type Selection = "loss" | "dice" | "nll";
export const selections: readonly Selection[] = ["loss", "dice", "nll"];

/** Whether an epoch is better than the best one before it. */
export function isBetter(record: EpochRecord, best: EpochRecord, selection: Selection): boolean {
  switch (selection) {
    case "loss":
      return record.validationLoss! < best.validationLoss!;
    case "dice":
      return record.validationDice! > best.validationDice!;
    case "nll":
      return record.validationNll! < (best.validationNll ?? Number.POSITIVE_INFINITY);
  }
}

/** Formats a history as the text of log.csv. */
export function logOf(history: readonly EpochRecord[]): string {
  // A run may end with another loss, whose terms have cells in its own epochs alone.
  const terms = [...new Set(history.flatMap(({ trainTerms }) => Object.keys(trainTerms)))];
  const validated = history[0]?.validationLoss !== undefined;
  const columns = ["epoch", "learning_rate", "train_loss", ...terms.map((name) => `train_${name}`)];
  if (validated) columns.push("validation_loss", "validation_dice", "validation_nll");
  const rows = history.map((record) => {
    const row = [
      record.epoch,
      record.learningRate,
      record.trainLoss,
      ...terms.map((name) => record.trainTerms[name]),
    ];
    return validated ? [...row, record.validationLoss, record.validationDice, record.validationNll] : row;
  });
  return `${[columns, ...rows].map((row) => row.join(",")).join("\n")}\n`;
}
