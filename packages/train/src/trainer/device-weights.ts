import { type Tensor, tensor, zeros } from "@pixelcal/core";
import type { Graph } from "@pixelcal/graph";
import { copied, type NamedArrays } from "../optimizer/named-arrays.js";
import { disposeAll } from "../runtime/gpu-tensor.js";
import { createSession, type Session, type TrainDevice } from "../runtime/session.js";
import type { Tensors } from "../runtime/session-values.js";
import { checkFinite } from "./diverged-error.js";
import type { HostState } from "./host-state.js";
import type { Pack } from "./pack.js";
import { packState } from "./pack-state.js";
import { allPacks, type Packs } from "./packs.js";
import { type LossValues, lossValues } from "./step-graph.js";
import {
  buildCopyGraph,
  buildSumGraph,
  buildUpdateGraph,
  gradientOf,
  nextOf,
  normOutput,
  scalarOf,
  slotOf,
} from "./update-graph.js";
import { scaleOf, type UpdateScalars, type Weights } from "./weights.js";

type Sessions = Readonly<Record<"upload" | "download" | "update" | "sum", Session>>;

/** The arrays that a backward pass left on the device. */
interface Pass {
  readonly gradients: Tensors;
  readonly buffers: Tensors;
  readonly gradientNorm: number;
}

/**
 * Weights that stay in a device's memory from step to step, as a few long arrays. Every update makes new
 * arrays and disposes of those they replace; only losses, norms and what is asked for are copied to the host.
 */
export class DeviceWeights implements Weights {
  readonly packs: Packs;
  readonly kept: readonly string[];
  readonly #state: HostState;
  readonly #sessions: Sessions;
  /** The names of all arrays on the device: parameters, buffers and slots by pack. */
  readonly #names: readonly string[];
  #arrays: Tensors = {};
  #pass: Pass | undefined;
  #sums: Tensors | undefined;
  #sumNorm = 0;
  #uploaded = false;
  #stale = false;

  private constructor(state: HostState, packs: Packs, sessions: Sessions) {
    this.packs = packs;
    this.kept = [
      ...packs.trained.map(({ name }) => gradientOf(name)),
      ...packs.buffers.map(({ name }) => nextOf(name)),
    ];
    this.#state = state;
    this.#sessions = sessions;
    this.#names = sessions.upload.inputs.map(({ name }) => name);
  }

  /**
   * Compiles the graphs that copy and update the weights of `state`. Throws `DeviceError` if the device
   * cannot.
   */
  static async create(state: HostState, device: TrainDevice): Promise<DeviceWeights> {
    const { optimizer } = state;
    const packs = packState(state);
    const sizes = new Map<string, number>();
    for (const { name, size } of allPacks(packs)) sizes.set(name, size);
    for (const { name, size } of packs.trained) {
      for (const slot of optimizer.slots) sizes.set(slotOf(slot, name), size);
    }
    const copy = buildCopyGraph(sizes);
    const opened: Session[] = [];
    const open = async (graph: Graph, keep: (name: string) => boolean): Promise<Session> => {
      const session = await createSession(graph, { device, keep: [...graph.outputs.keys()].filter(keep) });
      opened.push(session);
      return session;
    };
    try {
      return new DeviceWeights(state, packs, {
        upload: await open(copy, () => true),
        download: await open(copy, () => false),
        update: await open(buildUpdateGraph(optimizer, packs.trained), () => true),
        sum: await open(buildSumGraph(packs.trained), (name) => name !== normOutput),
      });
    } catch (error) {
      for (const session of opened) await session.close();
      throw error;
    }
  }

  get stale(): boolean {
    return this.#stale;
  }

  invalidate(): void {
    this.#uploaded = false;
    this.#stale = false;
  }

  async feeds(averages?: Readonly<NamedArrays>): Promise<Tensors> {
    await this.#upload();
    const packs = allPacks(this.packs);
    if (averages === undefined)
      return Object.fromEntries(packs.map(({ name }) => [name, this.#arrays[name]!]));
    const arrays = { ...this.#state.model, ...averages };
    return Object.fromEntries(packs.map((pack) => [pack.name, pack.gather(arrays)]));
  }

  async backward(session: Session, feeds: Tensors): Promise<LossValues> {
    const { trained, buffers } = this.packs;
    const { updates } = this.#state;
    const outputs = await session.run(feeds);
    const values = lossValues(outputs);
    const gradientNorm = Number(outputs[normOutput]!.data[0]);
    this.#pass = {
      gradients: Object.fromEntries(
        trained.map(({ name }) => [gradientOf(name), outputs[gradientOf(name)]!]),
      ),
      buffers: Object.fromEntries(buffers.map(({ name }) => [name, outputs[nextOf(name)]!])),
      gradientNorm,
    };
    try {
      checkFinite("loss", values.loss, updates);
      checkFinite("gradient norm", gradientNorm, updates);
    } catch (error) {
      this.#dropPass();
      throw error;
    }
    return values;
  }

  async takeGradients(): Promise<NamedArrays> {
    try {
      await this.#downloadGradients(this.#pass!.gradients, this.#state.gradients);
    } finally {
      this.#dropPass();
    }
    return copied(this.#state.gradients);
  }

  async accumulate(): Promise<void> {
    const { gradients, buffers, gradientNorm } = this.#pass!;
    this.#pass = undefined;
    this.#stale = true;
    this.#replace(buffers);
    if (this.#sums === undefined) {
      this.#sums = gradients;
      this.#sumNorm = gradientNorm;
      return;
    }
    const feeds: Record<string, Tensor> = {};
    for (const { name } of this.packs.trained) {
      feeds[`a/${name}`] = this.#sums[gradientOf(name)]!;
      feeds[`b/${name}`] = gradients[gradientOf(name)]!;
    }
    const { [normOutput]: norm, ...sums } = await this.#sessions.sum.run(feeds);
    disposeAll(Object.values(feeds));
    this.#sums = sums;
    this.#sumNorm = Number(norm!.data[0]);
  }

  async update(scalars: UpdateScalars): Promise<number> {
    const { gradientNorm, gradientScale } = scaleOf(this.#sumNorm, scalars);
    const { factor, count } = scalars;
    const { optimizer, groups } = this.#state;
    const feeds: Record<string, Tensor> = {};
    for (const { name, members } of this.packs.trained) {
      // All members of a pack have one learning rate and one decay.
      const member = members[0]!.name;
      const group = groups.find(({ names }) => names.includes(member))!;
      const learningRate = group.learningRate * factor;
      const decays = this.#state.decays(member);
      const named = optimizer.rule.scalars({ gradientScale, count, learningRate, decays });
      for (const [scalar, value] of Object.entries(named)) {
        feeds[scalarOf(scalar, name)] = tensor("float32", Float32Array.of(value), [1]);
      }
      for (const key of [name, ...optimizer.slots.map((slot) => slotOf(slot, name))]) {
        feeds[key] = this.#arrays[key]!;
      }
    }
    const next = await this.#sessions.update.run({ ...feeds, ...this.#sums });
    this.#dropSums();
    const suffix = nextOf("").length;
    this.#replace(
      Object.fromEntries(Object.entries(next).map(([name, array]) => [name.slice(0, -suffix), array])),
    );
    return gradientNorm;
  }

  async read(): Promise<void> {
    if (!this.#stale) return;
    const copies = await this.#sessions.download.run(this.#arrays);
    this.#each((name, pack, arrays) => {
      pack.scatter(copies[nextOf(name)]!.data as Float32Array, arrays);
    });
    if (this.#state.pending > 0) await this.#downloadGradients(this.#sums!, this.#state.sums);
    this.#stale = false;
  }

  async close(): Promise<void> {
    this.#dropPass();
    this.#dropSums();
    disposeAll(Object.values(this.#arrays));
    this.#arrays = {};
    for (const session of Object.values(this.#sessions)) await session.close();
  }

  /** Uploads the host's arrays unless the device already has them. */
  async #upload(): Promise<void> {
    if (this.#uploaded) return;
    const feeds: Record<string, Tensor> = {};
    this.#each((name, pack, arrays) => {
      feeds[name] = pack.gather(arrays);
    });
    const made = await this.#sessions.upload.run(feeds);
    this.#replace(Object.fromEntries(this.#names.map((name) => [name, made[nextOf(name)]!])));
    this.#dropSums();
    const { pending, sums } = this.#state;
    if (pending > 0) {
      // The sum graph is the one that leaves gradients on the device: sums + 0.
      const { [normOutput]: _, ...uploaded } = await this.#sessions.sum.run(
        Object.fromEntries(
          this.packs.trained.flatMap((pack) => [
            [`a/${pack.name}`, pack.gather(sums)],
            [`b/${pack.name}`, zeros("float32", [pack.size])],
          ]),
        ),
      );
      this.#sums = uploaded;
    }
    this.#uploaded = true;
  }

  /** Copies gradients of a pass, or their sums, to the host's arrays. */
  async #downloadGradients(gradients: Tensors, into: Readonly<NamedArrays>): Promise<void> {
    // Gradients have the shapes of their parameters, so the graph that downloads those takes them too.
    const { trained } = this.packs;
    const own = Object.fromEntries(trained.map(({ name }) => [name, gradients[gradientOf(name)]!]));
    const outputs = trained.map(({ name }) => nextOf(name));
    const copies = await this.#sessions.download.run({ ...this.#arrays, ...own }, { outputs });
    for (const pack of trained) {
      pack.scatter(copies[nextOf(pack.name)]!.data as Float32Array, into);
    }
  }

  #dropPass(): void {
    const { gradients = {}, buffers = {} } = this.#pass ?? {};
    disposeAll([...Object.values(gradients), ...Object.values(buffers)]);
    this.#pass = undefined;
  }

  #dropSums(): void {
    disposeAll(Object.values(this.#sums ?? {}));
    this.#sums = undefined;
  }

  #replace(next: Tensors): void {
    disposeAll(Object.keys(next).flatMap((name) => this.#arrays[name] ?? []));
    this.#arrays = { ...this.#arrays, ...next };
  }

  /** Visits every array on the device, with its pack and the host's arrays that the pack holds. */
  #each(visit: (name: string, pack: Pack, arrays: Readonly<NamedArrays>) => void): void {
    const { model, slots, optimizer } = this.#state;
    for (const pack of allPacks(this.packs)) visit(pack.name, pack, model);
    for (const pack of this.packs.trained) {
      for (const slot of optimizer.slots) visit(slotOf(slot, pack.name), pack, slots[slot]!);
    }
  }
}
