import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import { type ProbabilityModel, predictedIn } from "./predict.js";
import type { Activation } from "./probability-graph.js";

/** Several models, such as those of the folds of a cross-validation, whose probabilities are averaged. */
export class Ensemble<M extends ProbabilityModel> implements ProbabilityModel {
  readonly models: readonly M[];

  constructor(models: readonly M[]) {
    if (models.length === 0) throw new InvalidArgumentError("models", "models: needs at least one model");
    this.models = models;
  }

  get activation(): Activation | undefined {
    return this.models[0]!.activation;
  }

  /** Returns the mean of the models' probabilities [N, classes, ...spatial] of images [N, C, ...spatial]. */
  predict(images: Tensor<"float32">): Promise<Tensor<"float32">> {
    return this.predictInto(images);
  }

  /** Predicts as `predict` does, in the memory of an earlier result of the same dims if the models can. */
  async predictInto(images: Tensor<"float32">, into?: Tensor<"float32">): Promise<Tensor<"float32">> {
    const [first, ...others] = this.models as [M, ...M[]];
    const mean = await predictedIn(first, images, into);
    for (const model of others) {
      const { data } = await model.predict(images);
      for (let i = 0; i < data.length; i++) mean.data[i]! += data[i]!;
    }
    if (others.length > 0) for (let i = 0; i < mean.data.length; i++) mean.data[i]! /= this.models.length;
    return mean;
  }
}
