import type { NamedArrays } from "../optimizer/named-arrays.js";
import type { Session } from "../runtime/session.js";
import type { Tensors } from "../runtime/session-values.js";
import type { Packs } from "./packs.js";
import type { LossValues } from "./step-graph.js";

/** The scalars of one update. */
export interface UpdateScalars {
  /** Factor on every learning rate, from the schedule. */
  readonly factor: number;
  /** Factor on every gradient, from clipping and accumulation. */
  readonly gradientScale: number;
  /** Number of this update, from 1. */
  readonly count: number;
}

/**
 * The weights of a training where its steps read and write them: in host memory, or in a device's with the
 * host's `HostState` as a copy. A step calls `backward`, then `accumulate`, and after the last batch of an
 * update `accumulatedNorm` and `update`.
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
   * nothing.
   */
  backward(session: Session, feeds: Tensors): Promise<LossValues>;
  /** Returns a copy of the gradients that `backward` left, and drops them with its buffers. */
  takeGradients(): Promise<NamedArrays>;
  /**
   * Takes over the buffers that `backward` left and adds its gradients to those pending. Throws
   * `DivergedError`.
   */
  accumulate(): Promise<void>;
  /** Returns the Euclidean norm of the accumulated gradients; call it once after the last `accumulate`. */
  accumulatedNorm(): Promise<number>;
  /** Moves the parameters by the accumulated gradients, and clears these. */
  update(scalars: UpdateScalars): Promise<void>;
  /** Updates the host's arrays. */
  read(): Promise<void>;
  /** Marks the host's arrays as newer; the next step uploads them. */
  invalidate(): void;
  /** Frees arrays and sessions. */
  close(): Promise<void>;
}
