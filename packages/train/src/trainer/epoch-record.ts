import type { ClassScores } from "./validation-scores.js";

/** The scores of the validation split after an epoch, with inference behaviour, without ignored pixels. */
export interface ValidationRecord {
  /** Mean over the validation images. */
  readonly validationLoss?: number;
  /**
   * Mean over the classes but the background of the Dice score of all pixels together (nnU-Net's pseudo
   * Dice); classes that neither labels nor predictions have do not count.
   */
  readonly validationDice?: number;
  /** Mean negative log-likelihood of the labels over the validation images. */
  readonly validationNll?: number;
  /** Means over the classes of the calibration errors of all pixels together. */
  readonly validationEce?: number;
  readonly validationPece?: number;
  readonly validationClasses?: ClassScores;
}

/**
 * The record of one epoch; epochs count from 1. Checkpoints that are older than a field of the validation
 * have epochs without it.
 */
export interface EpochRecord extends ValidationRecord {
  readonly epoch: number;
  /** The learning rate of the epoch's last batch. */
  readonly learningRate: number;
  /** Mean over the epoch's images. */
  readonly trainLoss: number;
  readonly trainTerms: Readonly<Record<string, number>>;
}

const validationColumns = [
  ["validation_loss", "validationLoss"],
  ["validation_dice", "validationDice"],
  ["validation_nll", "validationNll"],
  ["validation_ece", "validationEce"],
  ["validation_pece", "validationPece"],
] as const;

const classColumns = ["dice", "ece", "pece"] as const;

type Cell = number | null | undefined;

/** Formats a history as the text of log.csv: a column per class and score at the end. */
export function logOf(history: readonly EpochRecord[]): string {
  // A run may end with another loss, whose terms have cells in its own epochs alone.
  const terms = [...new Set(history.flatMap(({ trainTerms }) => Object.keys(trainTerms)))];
  const columns: [string, (record: EpochRecord) => Cell][] = [
    ["epoch", ({ epoch }) => epoch],
    ["learning_rate", ({ learningRate }) => learningRate],
    ["train_loss", ({ trainLoss }) => trainLoss],
    ...terms.map((name): [string, (record: EpochRecord) => Cell] => [
      `train_${name}`,
      ({ trainTerms }) => trainTerms[name],
    ]),
  ];
  if (history[0]?.validationLoss !== undefined)
    for (const [name, field] of validationColumns) columns.push([name, (record) => record[field]]);
  const classes = history.at(-1)?.validationClasses?.dice.length ?? 0;
  for (const score of classColumns)
    for (let c = 0; c < classes; c++)
      columns.push([`validation_${score}_class_${c}`, (record) => record.validationClasses?.[score][c]]);
  const rows = history.map((record) => columns.map(([, cell]) => cell(record)));
  return `${[columns.map(([name]) => name), ...rows].map((row) => row.join(",")).join("\n")}\n`;
}
