import {
  CalibrationMetric,
  type Labels,
  MetricGroup,
  type MetricJson,
  OverlapMetric,
  type Tensor,
  toProbabilities,
} from "@pixelcal/core";
import type { Window } from "../data/dataset-case.js";
import { labelNll } from "./label-nll.js";
import { scoredPart } from "./training-batch.js";

/** The scores of each class, class 0 first; null for a class without any pixel. */
export interface ClassScores {
  readonly dice: readonly (number | null)[];
  readonly ece: readonly (number | null)[];
  readonly pece: readonly (number | null)[];
}

/** The scores of a validation, over the pixels of all images together but for the NLL. */
export interface Scores {
  /** Mean over the images. */
  readonly loss: number;
  /** Mean over the classes but 0 that occur in labels or predictions; 1 if none does. */
  readonly dice: number;
  /** Mean over the classes, of 10 bins. */
  readonly ece: number;
  readonly pece: number;
  /** Mean over the images. */
  readonly nll: number;
  readonly classes: ClassScores;
}

/** The scores of one batch that are no sums over pixels. */
export interface ScoredBatch {
  /** The batch's number among those of the split. */
  readonly batch: number;
  readonly loss: number;
  readonly images: number;
  /** The negative log-likelihood of every image with labels. */
  readonly nlls: readonly number[];
}

/** A batch whose logits and labels are added to the scores of a split. */
export interface AddedBatch extends Pick<ScoredBatch, "batch" | "loss"> {
  /** The part of each image to score; all of it by default. */
  readonly filled?: readonly Window[] | undefined;
}

/** The scores of some of the batches. */
export interface ValidationPart {
  readonly batches: readonly ScoredBatch[];
  readonly metrics: MetricJson;
}

type Metrics = MetricGroup<{ readonly overlap: OverlapMetric; readonly calibration: CalibrationMetric }>;

/** Scores the logits of a validation split, image by image, without the pixels whose label is `ignore`. */
export class ValidationScores {
  readonly #classes: number;
  readonly #ignore: number | undefined;
  readonly #metrics: Metrics;
  #batches: ScoredBatch[] = [];

  constructor(classes: number, ignore: number | undefined) {
    this.#classes = classes;
    this.#ignore = ignore;
    this.#metrics = new MetricGroup({
      overlap: new OverlapMetric({ classes, ignore }),
      calibration: new CalibrationMetric({ classes, ignore, of: "classes" }),
    });
  }

  /** Returns the scores of parts: to the bit those of all their batches together. */
  merged(parts: readonly ValidationPart[]): ValidationScores {
    const all = new ValidationScores(this.#classes, this.#ignore);
    for (const { batches, metrics } of parts) {
      all.#batches.push(...batches);
      all.#metrics.merge(MetricGroup.fromJSON(metrics) as unknown as Metrics);
    }
    // Sums are taken in the order of the batches, whoever scored them.
    all.#batches.sort((a, b) => a.batch - b.batch);
    return all;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Returns what was added, as JSON for `merged`. */
  part(): ValidationPart {
    return { batches: this.#batches, metrics: this.#metrics.toJSON() };
  }

  /** Adds a batch: logits [N, classes, ...spatial] and their labels [N, ...spatial]. */
  async add({ batch, loss, filled }: AddedBatch, logits: Tensor<"float32">, labels: Labels): Promise<void> {
    const ignore = this.#ignore;
    const nlls: number[] = [];
    for (let n = 0; n < logits.dims[0]!; n++) {
      const [image, truth] = [scoredPart(logits, n, filled), scoredPart(labels, n, filled)];
      const [nll = Number.NaN] = await labelNll(image, truth, ignore);
      // An image in which every pixel is ignored has no score.
      if (Number.isNaN(nll)) continue;
      nlls.push(nll);
      const { probs } = await toProbabilities(image, { transform: "softmax", labels: truth, ignore });
      await this.#metrics.update(probs, truth);
    }
    this.#batches.push({ batch, loss, images: logits.dims[0]!, nlls });
  }

  compute(): Scores {
    const { overlap, calibration } = this.#metrics.compute();
    const dice = overlap.classes.map(({ pooledDice }) => orNull(pooledDice));
    const nlls = this.#batches.flatMap((batch) => batch.nlls);
    const images = sum(this.#batches.map((batch) => batch.images));
    return {
      loss: sum(this.#batches.map((batch) => batch.loss * batch.images)) / images,
      dice: mean(dice.slice(1)) ?? 1,
      ece: calibration.expected,
      pece: calibration.pixel,
      nll: sum(nlls) / nlls.length,
      classes: {
        dice,
        ece: calibration.perClass.map(({ expected }) => orNull(expected)),
        pece: calibration.perClass.map(({ pixel }) => orNull(pixel)),
      },
    };
  }
}

// Records of epochs are stored as JSON, which has no NaN.
const orNull = (value: number): number | null => (Number.isNaN(value) ? null : value);

function mean(values: readonly (number | null)[]): number | undefined {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? undefined : sum(known) / known.length;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
