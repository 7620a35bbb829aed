import { gradientNorm, type Tensor } from "@pixelcal/core";
import { updatedName } from "@pixelcal/graph";
import { addTo, clear, copied, type NamedArrays } from "../optimizer/named-arrays.js";
import type { Session } from "../runtime/session.js";
import type { Tensors } from "../runtime/session-values.js";
import { checkFinite } from "./diverged-error.js";
import type { HostState } from "./host-state.js";
import { gradientOutput, type LossValues, lossValues } from "./step-graph.js";
import type { UpdateScalars, Weights } from "./weights.js";

/** Weights in host memory: steps read and write the arrays of the `HostState`, native kernels update them. */
export class HostWeights implements Weights {
  readonly stale = false;
  readonly packs = undefined;
  readonly kept: readonly string[] = [];
  readonly #state: HostState;
  /** The model's outputs, which a step does not need. */
  readonly #logits: ReadonlySet<string>;
  /** The buffers that a step changes. */
  readonly #moving: readonly string[];
  readonly #accumulates: boolean;
  readonly #parameters: readonly string[];
  #norm = 0;

  /** `frozenNorms` says whether batch norms keep their running statistics. */
  constructor(state: HostState, logits: Iterable<string>, frozenNorms: boolean) {
    this.#state = state;
    this.#logits = new Set(logits);
    this.#moving = frozenNorms ? [] : Object.keys(state.buffers);
    this.#accumulates = Object.keys(state.sums).length > 0;
    this.#parameters = Object.keys(state.gradients);
  }

  async feeds(averages?: Readonly<NamedArrays>): Promise<Tensors> {
    return { ...this.#state.model, ...averages };
  }

  async backward(session: Session, feeds: Tensors): Promise<LossValues> {
    const { trainable, gradients, nextBuffers, updates } = this.#state;
    const into: Record<string, Tensor> = {};
    for (const name of trainable) into[gradientOutput(name)] = gradients[name]!;
    for (const name of this.#moving) into[updatedName(name)] = nextBuffers[name]!;
    const outputs = session.outputs.map(({ name }) => name).filter((name) => !this.#logits.has(name));
    const values = lossValues(await session.run(feeds, { into, outputs }));
    checkFinite("loss", values.loss, updates);
    return values;
  }

  async takeGradients(): Promise<NamedArrays> {
    return copied(this.#state.gradients);
  }

  async accumulate(): Promise<void> {
    const { gradients, sums, updates } = this.#state;
    this.#norm = await this.#normOf(gradients);
    checkFinite("gradient norm", this.#norm, updates);
    if (this.#moving.length > 0) this.#state.swapBuffers();
    if (this.#accumulates) addTo(sums, gradients);
  }

  async accumulatedNorm(): Promise<number> {
    return this.#accumulates ? this.#normOf(this.#state.sums) : this.#norm;
  }

  async update({ factor, ...scalars }: UpdateScalars): Promise<void> {
    const { optimizer, groups, parameters, slots, sums, gradients } = this.#state;
    for (const { names, learningRate } of groups) {
      const list = (arrays: Readonly<NamedArrays>): Float32Array[] => names.map((name) => arrays[name]!.data);
      await optimizer.update({
        parameters: list(parameters),
        gradients: list(this.#accumulates ? sums : gradients),
        slots: Object.fromEntries(Object.entries(slots).map(([slot, all]) => [slot, list(all)])),
        decays: names.map((name) => this.#state.decays(name)),
        learningRate: learningRate * factor,
        ...scalars,
      });
    }
    clear(sums);
  }

  async read(): Promise<void> {}

  invalidate(): void {}

  async close(): Promise<void> {}

  #normOf(gradients: Readonly<NamedArrays>): Promise<number> {
    return gradientNorm({ gradients: this.#parameters.map((name) => gradients[name]!.data) });
  }
}
