import type { NamedArrays } from "../optimizer/named-arrays.js";
import type { Session } from "../runtime/session.js";
import type { Tensors } from "../runtime/session-values.js";
import { checkFinite } from "./diverged-error.js";
import type { Packs } from "./packs.js";
import type { LossValues } from "./step-graph.js";

/** The scalars of one update. */
export interface UpdateScalars {
  /** Factor on every learning rate, from the schedule. */
  readonly factor: number;
  /** The global norm that the mean gradient is scaled down to. */
  readonly clipNorm: number;
  /** The batches whose gradients were accumulated. */
  readonly batches: number;
  /** Number of this update, from 1. */
  readonly count: number;
}

/**
 * Returns the norm of the mean gradient, given that of the batches' sum, and the factor on every summed
 * gradient, from clipping and accumulation. Throws `DivergedError` for a norm that is not finite.
 */
export function scaleOf(
  sumNorm: number,
  { clipNorm, batches, count }: UpdateScalars,
): { readonly gradientNorm: number; readonly gradientScale: number } {
  checkFinite("gradient norm", sumNorm, count - 1);
  const gradientNorm = sumNorm / batches;
  return { gradientNorm, gradientScale: Math.min(1, clipNorm / gradientNorm) / batches };
}

/**
 * The weights of a training where its steps read and write them: in host memory, or in a device's with the
 * host's `HostState` as a copy. A step calls `backward`, then `accumulate`, and after the last batch of an
 * update `update`.
 */
export interface Weights {
  /** Whether the host's arrays are older than these; `read` copies them. */
  readonly stale: boolean;
  /** The packs that graphs take the weights in; undefined if each array is an input of its own name. */
  readonly packs: Packs | undefined;
  /** The outputs of a step graph that stay on the device. */
  readonly kept: readonly string[];
  /** Returns parameters and buffers as graphs take them, those in `averages` in place of the trained ones. */
  feeds(averages?: Readonly<NamedArrays>): Promise<Tensors>;
  /**
   * Runs a step graph and holds its gradients and new buffers. Throws `DivergedError`, and then holds
   * nothing. `shares` are those of a batch that processes share.
   */
  backward(session: Session, feeds: Tensors, shares?: readonly number[]): Promise<LossValues>;
  /** Returns a copy of the gradients that `backward` left, and drops them with its buffers. */
  takeGradients(): Promise<NamedArrays>;
  /**
   * Takes over the buffers that `backward` left and adds its gradients to those pending. Throws
   * `DivergedError`.
   */
  accumulate(): Promise<void>;
  /**
   * Moves the parameters by the accumulated gradients, and clears these. Returns the Euclidean norm of their
   * mean before clipping. Throws `DivergedError`.
   */
  update(scalars: UpdateScalars): Promise<number>;
  /** Updates the host's arrays. */
  read(): Promise<void>;
  /** Marks the host's arrays as newer; the next step uploads them. */
  invalidate(): void;
  /** Frees arrays and sessions. */
  close(): Promise<void>;
}
