import { InvalidArgumentError, type Tensor } from "@pixelcal/core";

/**
 * The numbers of a loss that follow the validation split, such as multipliers. They change between epochs
 * only; `fit` sees to it. A loss with a state belongs to one training.
 */
export interface LossState {
  /** Returns the arrays that the graph takes beside the targets, by their names in `targetSpecs`. */
  arrays(classes: number): Readonly<Record<string, Tensor<"float32">>>;
  /** Takes in logits [N, C, ...spatial] of the validation split with the targets of their labels. */
  observe(logits: Tensor<"float32">, targets: Readonly<Record<string, Tensor>>): Promise<void>;
  /** Ends an epoch: changes the arrays by what was observed since the last. */
  update(): void;
  /** Returns the state as JSON. */
  save(): unknown;
  /** Goes back to a saved state; throws `InvalidArgumentError` if it is of another loss. */
  restore(saved: unknown): void;
}

/** Throws unless `saved` is an object whose `names` are lists of finite numbers; returns those. */
export function savedLists<K extends string>(
  loss: string,
  saved: unknown,
  names: readonly K[],
): Readonly<Record<K, readonly number[]>> {
  const lists = saved as Readonly<Record<K, readonly number[]>> | null | undefined;
  const fits = (name: K): boolean => Array.isArray(lists?.[name]) && lists[name].every(Number.isFinite);
  if (!names.every(fits))
    throw new InvalidArgumentError("saved", `saved: expected a state of ${loss}, with ${names.join(", ")}`);
  return lists!;
}
