import type { Graph } from "@pixelcal/graph";
import { rolesOf } from "../model/image-and-logits.js";
import { clear, copies, type NamedArrays, zerosLike } from "../optimizer/named-arrays.js";
import { adamW, type Optimizer } from "../optimizer/optimizer.js";
import { groupByLearningRate, type LearningRateGroup } from "../optimizer/parameter-groups.js";
import { WeightAverages } from "../optimizer/weight-averages.js";
import type { Checkpoint } from "./checkpoint.js";
import { chosen, type TrainerOptions } from "./options.js";

/** The state of a training in host memory: every array and counter that a checkpoint stores. */
export class HostState {
  /** Every parameter by name, trained or frozen; updated in place. */
  readonly parameters: Readonly<NamedArrays>;
  /** Names of the trained parameters. */
  readonly trainable: readonly string[];
  readonly optimizer: Optimizer;
  /** The trained parameters by learning rate. */
  readonly groups: readonly LearningRateGroup[];
  /** The arrays that a backward pass in host memory writes its gradients to. */
  readonly gradients: NamedArrays;
  /** Sums of the gradients of several batches; empty if every batch makes an update. */
  readonly sums: NamedArrays;
  /** Optimizer state: slot name, then parameter name. */
  readonly slots: Readonly<Record<string, NamedArrays>>;
  /** Moving averages of the trained parameters and the buffers, if option `ema` is set. */
  readonly averages: WeightAverages | undefined;
  /** Optimizer updates made so far. */
  updates = 0;
  /** Batches whose gradients are accumulated but not yet applied. */
  pending = 0;
  #buffers: Readonly<NamedArrays>;
  #nextBuffers: Readonly<NamedArrays>;

  constructor(model: Graph, options: TrainerOptions) {
    const { parameters, buffers } = rolesOf(model);
    const { accumulate = 1, ema } = options;
    this.parameters = copies(model, parameters);
    this.#buffers = copies(model, buffers);
    this.#nextBuffers = copies(model, buffers);
    this.trainable = chosen(model, parameters, options.trainable);
    this.optimizer = options.optimizer ?? adamW();
    this.groups = groupByLearningRate(this.trainable, this.optimizer.learningRate, options.groups);
    const zeros = (): NamedArrays => zerosLike(this.parameters, this.trainable);
    this.gradients = zeros();
    this.sums = accumulate > 1 ? zeros() : {};
    this.slots = Object.fromEntries(this.optimizer.slots.map((slot) => [slot, zeros()]));
    this.averages = ema === undefined ? undefined : new WeightAverages(ema, this.#averaged);
  }

  /** Running statistics by name. */
  get buffers(): Readonly<NamedArrays> {
    return this.#buffers;
  }

  /** The arrays that the next step in host memory writes its running statistics to. */
  get nextBuffers(): Readonly<NamedArrays> {
    return this.#nextBuffers;
  }

  /** Parameters and buffers by name. */
  get model(): Readonly<NamedArrays> {
    return { ...this.parameters, ...this.#buffers };
  }

  /** Makes the running statistics of the last step the current ones. */
  swapBuffers(): void {
    [this.#buffers, this.#nextBuffers] = [this.#nextBuffers, this.#buffers];
  }

  /** Returns whether weight decay applies to a parameter. */
  decays(name: string): boolean {
    return this.optimizer.decay === "all" || this.parameters[name]!.dims.length > 1;
  }

  /** Moves the averages towards the weights after an update. */
  updateAverages(): void {
    this.averages?.update(this.#averaged, this.updates);
  }

  /** Returns the arrays of a checkpoint in which the gradients of `pending` batches wait. */
  arrays(pending: number = this.pending): Omit<Checkpoint, "state"> {
    const accumulated = pending > 0 ? this.sums : {};
    return { model: this.model, slots: this.slots, accumulated, averaged: this.averages?.arrays ?? {} };
  }

  /** Sets the counters to those of a checkpoint whose arrays were copied here. */
  restored({ updates, pending }: Pick<HostState, "updates" | "pending">): void {
    if (pending === 0) clear(this.sums);
    this.updates = updates;
    this.pending = pending;
  }

  get #averaged(): NamedArrays {
    const trained = this.trainable.map((name) => [name, this.parameters[name]!]);
    return { ...Object.fromEntries(trained), ...this.#buffers };
  }
}
