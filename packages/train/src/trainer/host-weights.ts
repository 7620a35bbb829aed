import { gradientNorm, type Tensor } from "@pixelcal/core";
import { updatedName } from "@pixelcal/graph";
import { addTo, clear, copied, type NamedArrays } from "../optimizer/named-arrays.js";
import type { Session } from "../runtime/session.js";
import type { Tensors } from "../runtime/session-values.js";
import { checkFinite } from "./diverged-error.js";
import { averageBuckets, bucketsOf, type Exchange } from "./exchange.js";
import type { HostState } from "./host-state.js";
import { gradientOutput, type LossValues, lossValues } from "./step-graph.js";
import { scaleOf, type UpdateScalars, type Weights } from "./weights.js";

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
  readonly #exchange: Exchange | undefined;
  readonly #buckets: readonly (readonly string[])[];
  #shares: readonly number[] = [];
  #norm = 0;

  /**
   * `frozenNorms` says whether batch norms keep their running statistics; `exchange`, if there are other
   * processes, has gradients and statistics averaged over all of them.
   */
  constructor(
    state: HostState,
    options: {
      readonly logits: Iterable<string>;
      readonly frozenNorms: boolean;
      readonly exchange?: Exchange | undefined;
    },
  ) {
    const { logits, frozenNorms, exchange } = options;
    this.#state = state;
    this.#logits = new Set(logits);
    this.#moving = frozenNorms ? [] : Object.keys(state.buffers);
    this.#accumulates = Object.keys(state.sums).length > 0;
    this.#parameters = Object.keys(state.gradients);
    this.#exchange = exchange;
    this.#buckets = bucketsOf(this.#parameters, (name) => state.gradients[name]!.data.byteLength);
  }

  async feeds(averages?: Readonly<NamedArrays>): Promise<Tensors> {
    return { ...this.#state.model, ...averages };
  }

  async backward(session: Session, feeds: Tensors, shares: readonly number[] = []): Promise<LossValues> {
    const { trainable, gradients, nextBuffers, updates } = this.#state;
    const into: Record<string, Tensor> = {};
    for (const name of trainable) into[gradientOutput(name)] = gradients[name]!;
    for (const name of this.#moving) into[updatedName(name)] = nextBuffers[name]!;
    const outputs = session.outputs.map(({ name }) => name).filter((name) => !this.#logits.has(name));
    const own = lossValues(await session.run(feeds, { into, outputs }));
    this.#shares = shares;
    const values = this.#exchange === undefined ? own : await this.#averaged(own, this.#exchange);
    checkFinite("loss", values.loss, updates);
    return values;
  }

  async takeGradients(): Promise<NamedArrays> {
    if (this.#exchange !== undefined) await this.#averageGradients(this.#exchange, async () => {});
    return copied(this.#state.gradients);
  }

  async accumulate(): Promise<void> {
    const { gradients, sums, updates } = this.#state;
    if (this.#exchange === undefined) {
      this.#norm = await this.#normOf(gradients);
      checkFinite("gradient norm", this.#norm, updates);
    } else if (this.#accumulates) await this.#averageGradients(this.#exchange, async () => {});
    if (this.#moving.length > 0) this.#state.swapBuffers();
    if (this.#accumulates) addTo(sums, gradients);
  }

  async update(scalars: UpdateScalars): Promise<number> {
    const { sums } = this.#state;
    if (this.#exchange !== undefined && !this.#accumulates)
      return this.#exchangedUpdate(this.#exchange, scalars);
    const { gradientNorm, gradientScale } = scaleOf(
      this.#accumulates ? await this.#normOf(sums) : this.#norm,
      scalars,
    );
    await this.#move(this.#parameters, scalars, gradientScale);
    clear(sums);
    return gradientNorm;
  }

  async read(): Promise<void> {}

  invalidate(): void {}

  async close(): Promise<void> {}

  /**
   * Updates by the mean of the processes' gradients: each bucket while the next is exchanged, or, if
   * gradients are clipped, all of them once their norm is known.
   */
  async #exchangedUpdate(exchange: Exchange, scalars: UpdateScalars): Promise<number> {
    const clips = Number.isFinite(scalars.clipNorm);
    let squares = 0;
    await this.#averageGradients(exchange, async (names) => {
      squares += (await this.#normOf(this.#state.gradients, names)) ** 2;
      if (!clips) await this.#move(names, scalars, 1);
    });
    const { gradientNorm, gradientScale } = scaleOf(Math.sqrt(squares), scalars);
    if (clips) await this.#move(this.#parameters, scalars, gradientScale);
    return gradientNorm;
  }

  /** Moves parameters by their accumulated gradients times `gradientScale`. */
  async #move(
    moved: readonly string[],
    { factor, count }: UpdateScalars,
    gradientScale: number,
  ): Promise<void> {
    const { optimizer, groups, parameters, slots, sums, gradients } = this.#state;
    const chosen = new Set(moved);
    for (const group of groups) {
      const names = group.names.filter((name) => chosen.has(name));
      if (names.length === 0) continue;
      const list = (arrays: Readonly<NamedArrays>): Float32Array[] => names.map((name) => arrays[name]!.data);
      await optimizer.update({
        parameters: list(parameters),
        gradients: list(this.#accumulates ? sums : gradients),
        slots: Object.fromEntries(Object.entries(slots).map(([slot, all]) => [slot, list(all)])),
        decays: names.map((name) => this.#state.decays(name)),
        learningRate: group.learningRate * factor,
        gradientScale,
        count,
      });
    }
  }

  /**
   * Returns the means over all processes of the loss and its terms, and averages the new buffers. Throws
   * `DivergedError` in every process if the gradients of one are not finite, before any is exchanged.
   */
  async #averaged({ loss, terms }: LossValues, exchange: Exchange): Promise<LossValues> {
    const { gradients, nextBuffers, updates } = this.#state;
    const values = Float64Array.of(loss, await this.#normOf(gradients), ...Object.values(terms));
    const buffers = this.#moving.map((name) => nextBuffers[name]!.data);
    await exchange.allReduce([values, ...buffers], { op: "mean", weights: this.#shares });
    const [meanLoss, meanNorm, ...means] = values;
    checkFinite("loss", meanLoss!, updates);
    checkFinite("gradient norm", meanNorm!, updates);
    return {
      loss: meanLoss!,
      terms: Object.fromEntries(Object.keys(terms).map((name, i) => [name, means[i]!])),
    };
  }

  #averageGradients(exchange: Exchange, work: (names: readonly string[]) => Promise<void>): Promise<void> {
    const arrayOf = (name: string): Float32Array => this.#state.gradients[name]!.data;
    return averageBuckets(exchange, this.#buckets, { arrayOf, shares: this.#shares }, work);
  }

  #normOf(gradients: Readonly<NamedArrays>, names: readonly string[] = this.#parameters): Promise<number> {
    return gradientNorm({ gradients: names.map((name) => gradients[name]!.data) });
  }
}
