/** A loss that has grown far above that of the start of the training, which is diverging. */
export interface LossGrowth {
  readonly epoch: number;
  /** The batch of the epoch, counted from 1. */
  readonly batch: number;
  readonly loss: number;
  /** The loss of the training's first batch, or the mean of its first epoch. */
  readonly first: number;
}

const tooMuch = 1000;

/** Watches the losses of a training for one that is a thousand times the first. */
export class LossWatch {
  #first: number | undefined;
  #told = false;

  /** `first` is the mean loss of the first epoch of a training that goes on. */
  constructor(first: number | undefined) {
    this.#first = first;
  }

  /** Returns the growth of the first loss that is too large; undefined for all others. */
  grown(epoch: number, batch: number, loss: number): LossGrowth | undefined {
    this.#first ??= loss;
    const first = this.#first;
    // A loss of 0 has no multiples, and a single number may begin below 0.
    if (this.#told || first === 0 || Math.abs(loss) <= tooMuch * Math.abs(first)) return undefined;
    this.#told = true;
    return { epoch, batch, loss, first };
  }
}
