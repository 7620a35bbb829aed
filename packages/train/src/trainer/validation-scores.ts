import {
  CalibrationMetric,
  elementCount,
  type Labels,
  MetricGroup,
  OverlapMetric,
  type Tensor,
  tensor,
  toProbabilities,
} from "@pixelcal/core";
import { labelNll } from "./label-nll.js";

/** The scores of each class, class 0 first; null for a class without any pixel. */
export interface ClassScores {
  readonly dice: readonly (number | null)[];
  readonly ece: readonly (number | null)[];
  readonly pece: readonly (number | null)[];
}

/** The scores of a validation, over the pixels of all images together but for the NLL. */
export interface Scores {
  /** Mean over the classes but 0 that occur in labels or predictions; 1 if none does. */
  readonly dice: number;
  /** Mean over the classes, of 10 bins. */
  readonly ece: number;
  readonly pece: number;
  /** Mean over the images. */
  readonly nll: number;
  readonly classes: ClassScores;
}

/** Scores the logits of a validation split, image by image, without the pixels whose label is `ignore`. */
export class ValidationScores {
  readonly #ignore: number | undefined;
  readonly #metrics;
  #nll = 0;
  #images = 0;

  constructor(classes: number, ignore: number | undefined) {
    this.#ignore = ignore;
    this.#metrics = new MetricGroup({
      overlap: new OverlapMetric({ classes, ignore }),
      calibration: new CalibrationMetric({ classes, ignore, of: "classes" }),
    });
  }

  /** Adds logits [N, classes, ...spatial] and their labels [N, ...spatial]. */
  async add(logits: Tensor<"float32">, labels: Labels): Promise<void> {
    const ignore = this.#ignore;
    for (const [n, nll] of (await labelNll(logits, labels, ignore)).entries()) {
      // An image in which every pixel is ignored has no score.
      if (Number.isNaN(nll)) continue;
      this.#nll += nll;
      this.#images += 1;
      const [image, truth] = [imageOf(logits, n), imageOf(labels, n)];
      const { probs } = await toProbabilities(image, { transform: "softmax", labels: truth, ignore });
      await this.#metrics.update(probs, truth);
    }
  }

  compute(): Scores {
    const { overlap, calibration } = this.#metrics.compute();
    const dice = overlap.classes.map(({ pooledDice }) => orNull(pooledDice));
    return {
      dice: mean(dice.slice(1)) ?? 1,
      ece: calibration.expected,
      pece: calibration.pixel,
      nll: this.#nll / this.#images,
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
  return known.length === 0 ? undefined : known.reduce((sum, value) => sum + value, 0) / known.length;
}

function imageOf<T extends Tensor>({ type, dims, data }: T, n: number): T {
  const shape = [1, ...dims.slice(1)];
  const size = elementCount(shape);
  return tensor(type, data.subarray(n * size, (n + 1) * size) as never, shape) as Tensor as T;
}
