import { gradientNorm } from "@pixelcal/core";
import { type Arrays, zerosLike } from "../optimizer/arrays.js";
import type { Optimizer } from "../optimizer/optimizer.js";
import type { Rated } from "../optimizer/parameter-groups.js";
import { checkFinite } from "./options.js";

/** The numbers of one update. */
export interface UpdateNumbers {
  /** On every learning rate. */
  readonly factor: number;
  /** Factor on every gradient, from clipping and accumulation. */
  readonly gradientScale: number;
  /** Number of this update, from 1. */
  readonly count: number;
}

/** Gradients, optimizer state and updates of parameters in the memory of the host. */
export class Updater {
  readonly optimizer: Optimizer;
  /** The trained parameters by learning rate. */
  readonly rates: readonly Rated[];
  /** What a backward pass writes its gradients to. */
  readonly gradients: Arrays;
  /** Sums of gradients of several batches; empty where every batch makes an update. */
  readonly sums: Arrays;
  readonly slots: Readonly<Record<string, Arrays>>;
  readonly #parameters: Readonly<Arrays>;
  readonly #names: readonly string[];

  constructor(optimizer: Optimizer, rates: readonly Rated[], parameters: Readonly<Arrays>, sums: boolean) {
    const names = Object.keys(parameters).filter((name) => rates.some((rated) => rated.names.includes(name)));
    const zeros = (): Arrays => zerosLike(parameters, names);
    this.optimizer = optimizer;
    this.rates = rates;
    this.gradients = zeros();
    this.sums = sums ? zeros() : {};
    this.slots = Object.fromEntries(optimizer.slots.map((slot) => [slot, zeros()]));
    this.#parameters = parameters;
    this.#names = names;
  }

  /** Whether weight decay applies to a parameter. */
  decays(name: string): boolean {
    return this.optimizer.decay === "all" || this.#parameters[name]!.dims.length > 1;
  }

  /** The norm of all gradients together. Throws `DivergedError` where it is no number. */
  async norm(gradients: Readonly<Arrays>, updates: number): Promise<number> {
    const norm = await gradientNorm({ gradients: this.#names.map((name) => gradients[name]!.data) });
    checkFinite("gradient norm", norm, updates);
    return norm;
  }

  /** Moves the parameters. */
  async update(gradients: Readonly<Arrays>, { factor, ...numbers }: UpdateNumbers): Promise<void> {
    for (const { names, learningRate } of this.rates) {
      const list = (arrays: Readonly<Arrays>): Float32Array[] => names.map((name) => arrays[name]!.data);
      await this.optimizer.update({
        parameters: list(this.#parameters),
        gradients: list(gradients),
        slots: Object.fromEntries(Object.entries(this.slots).map(([slot, all]) => [slot, list(all)])),
        decays: names.map((name) => this.decays(name)),
        learningRate: learningRate * factor,
        ...numbers,
      });
    }
  }
}
