import { type Tensor, tensor, zeros } from "@pixelcal/core";
import { Graph } from "@pixelcal/graph";
import type { Arrays } from "../optimizer/arrays.js";
import type { Optimizer } from "../optimizer/optimizer.js";
import type { Rated } from "../optimizer/parameter-groups.js";
import { disposeAll } from "../runtime/gpu-tensor.js";
import { createSession, type Session, type Tensors, type TrainDevice } from "../runtime/session.js";
import type { UpdateNumbers } from "./host-weights.js";
import { Pack } from "./pack.js";
import { allPacks, type Packs } from "./step-graph.js";
import {
  buildSumGraph,
  buildUpdateGraph,
  gradientOf,
  nextOf,
  normOutput,
  scalarOf,
  slotOf,
} from "./update-graph.js";

/** The arrays of a training as the host has them, for the way to the device and back. */
export interface HostArrays {
  /** Parameters and buffers. */
  readonly model: Readonly<Arrays>;
  readonly slots: Readonly<Record<string, Readonly<Arrays>>>;
  /** Sums of gradients, when some are pending. */
  readonly sums?: Readonly<Arrays> | undefined;
}

export interface ResidentOptions {
  readonly device: TrainDevice;
  readonly optimizer: Optimizer;
  readonly parameters: Readonly<Arrays>;
  readonly buffers: Readonly<Arrays>;
  readonly trainable: readonly string[];
  /** The same by learning rate. */
  readonly rates: readonly Rated[];
  /** Whether weight decay applies to a parameter. */
  readonly decays: (name: string) => boolean;
}

type Sessions = Readonly<Record<"up" | "down" | "update" | "sum", Session>>;

/** What one backward pass left on the device. */
export interface Pass {
  readonly gradients: Tensors;
  readonly buffers: Tensors;
}

/**
 * The arrays of a training that stay on its device from step to step. Every update gives new arrays and closes those
 * they replace; only losses, norms and what is asked for come back.
 */
export class Resident {
  readonly packs: Packs;
  readonly #optimizer: Optimizer;
  /** Whether weight decay applies to a pack, and its learning rate. */
  readonly #numbers: ReadonlyMap<string, { readonly decays: boolean; readonly learningRate: number }>;
  readonly #sessions: Sessions;
  readonly #names: readonly string[];
  /** Parameters, buffers and slots by pack. */
  #arrays: Tensors = {};
  #sums: Tensors | undefined;
  /** Whether the device has what the host has, and the host what the device has. */
  #ready = false;
  #stale = false;

  private constructor(options: ResidentOptions, packs: Packs, sessions: Sessions) {
    this.packs = packs;
    this.#optimizer = options.optimizer;
    this.#numbers = new Map(
      packs.trained.map(({ name, members }) => {
        const [first] = members;
        const { learningRate } = options.rates.find(({ names }) => names.includes(first!.name))!;
        return [name, { learningRate, decays: options.decays(first!.name) }];
      }),
    );
    this.#sessions = sessions;
    this.#names = sessions.up.inputs.map(({ name }) => name);
  }

  static async create(options: ResidentOptions): Promise<Resident> {
    const { device, optimizer, parameters, buffers, trainable, rates, decays } = options;
    const frozen = Object.keys(parameters).filter((name) => !trainable.includes(name));
    const pack = (name: string, arrays: Readonly<Arrays>, names: readonly string[]): Pack[] =>
      names.length === 0 ? [] : [new Pack(`pack/${name}`, arrays, names)];
    const packs: Packs = {
      trained: rates.flatMap(({ names }, index) => {
        const undecayed = names.filter((name) => !decays(name));
        return [
          ...pack(`decayed/${index}`, parameters, names.filter(decays)),
          ...pack(`undecayed/${index}`, parameters, undecayed),
        ];
      }),
      frozen: pack("frozen", parameters, frozen),
      buffers: pack("buffers", buffers, Object.keys(buffers)),
    };
    const sizes = new Map<string, number>();
    for (const { name, size } of allPacks(packs)) sizes.set(name, size);
    for (const { name, size } of packs.trained) {
      for (const slot of optimizer.slots) sizes.set(slotOf(slot, name), size);
    }
    const copy = copyGraph(sizes);
    const opened: Session[] = [];
    const open = async (graph: Graph, keep: (name: string) => boolean): Promise<Session> => {
      const session = await createSession(graph, { device, keep: [...graph.outputs.keys()].filter(keep) });
      opened.push(session);
      return session;
    };
    try {
      return new Resident(options, packs, {
        up: await open(copy, () => true),
        down: await open(copy, () => false),
        update: await open(buildUpdateGraph(optimizer, packs.trained), () => true),
        sum: await open(buildSumGraph(packs.trained), (name) => name !== normOutput),
      });
    } catch (error) {
      for (const session of opened) await session.close();
      throw error;
    }
  }

  /** Parameters and buffers, as every graph with these packs takes them. */
  get feeds(): Tensors {
    return Object.fromEntries(allPacks(this.packs).map(({ name }) => [name, this.#arrays[name]!]));
  }

  /** Other parameters and buffers in their place, which do not stay on the device. */
  feedsOf(arrays: Readonly<Arrays>): Tensors {
    return Object.fromEntries(allPacks(this.packs).map((pack) => [pack.name, pack.gather(arrays)]));
  }

  /** Whether the device has gone on since the host's arrays were read. */
  get stale(): boolean {
    return this.#stale;
  }

  /** The host's arrays are the newer ones. */
  forget(): void {
    this.#ready = false;
    this.#stale = false;
  }

  /** Sees to it that the arrays are on the device. */
  async ready(host: HostArrays): Promise<void> {
    if (this.#ready) return;
    await this.#upload(host);
    this.#ready = true;
  }

  /** Sees to it that the host's arrays are those of the device. */
  async read(host: HostArrays): Promise<void> {
    if (!this.#stale) return;
    await this.#download(host);
    this.#stale = false;
  }

  /** What of a step graph's outputs stays on the device. */
  get kept(): readonly string[] {
    const { trained, buffers } = this.packs;
    return [...trained.map(({ name }) => gradientOf(name)), ...buffers.map(({ name }) => nextOf(name))];
  }

  /** The arrays among a step's outputs. */
  pass(outputs: Tensors): Pass {
    const { trained, buffers } = this.packs;
    return {
      gradients: Object.fromEntries(
        trained.map(({ name }) => [gradientOf(name), outputs[gradientOf(name)]!]),
      ),
      buffers: Object.fromEntries(buffers.map(({ name }) => [name, outputs[nextOf(name)]!])),
    };
  }

  /** Closes what a pass made. */
  drop({ gradients, buffers }: Pass): void {
    disposeAll([...Object.values(gradients), ...Object.values(buffers)]);
  }

  /**
   * Takes a pass's running statistics, and its gradients in addition to those pending; they stay for `update`. Gives the
   * norm of the sum.
   */
  async accumulate({ gradients, buffers }: Pass, gradientNorm: number): Promise<number> {
    this.#stale = true;
    this.#replace(buffers);
    if (this.#sums === undefined) {
      this.#sums = gradients;
      return gradientNorm;
    }
    const feeds: Record<string, Tensor> = {};
    for (const { name } of this.packs.trained) {
      feeds[`a/${name}`] = this.#sums[gradientOf(name)]!;
      feeds[`b/${name}`] = gradients[gradientOf(name)]!;
    }
    const { [normOutput]: total, ...sums } = await this.#sessions.sum.run(feeds);
    disposeAll(Object.values(feeds));
    this.#sums = sums;
    return Number(total!.data[0]);
  }

  /** Moves the parameters by the gradients accumulated, which are closed. */
  async update({ factor, ...numbers }: UpdateNumbers): Promise<void> {
    const feeds: Record<string, Tensor> = {};
    for (const { name } of this.packs.trained) {
      const { decays, learningRate: usual } = this.#numbers.get(name)!;
      const learningRate = usual * factor;
      const scalars = this.#optimizer.rule.scalars({ ...numbers, learningRate, decays });
      for (const [scalar, value] of Object.entries(scalars)) {
        feeds[scalarOf(scalar, name)] = tensor("float32", Float32Array.of(value), [1]);
      }
      for (const key of [name, ...this.#optimizer.slots.map((slot) => slotOf(slot, name))]) {
        feeds[key] = this.#arrays[key]!;
      }
    }
    const next = await this.#sessions.update.run({ ...feeds, ...this.#sums });
    this.#dropSums();
    const ending = nextOf("").length;
    this.#replace(
      Object.fromEntries(Object.entries(next).map(([name, array]) => [name.slice(0, -ending), array])),
    );
  }

  #dropSums(): void {
    disposeAll(Object.values(this.#sums ?? {}));
    this.#sums = undefined;
  }

  async #upload({ model, slots, sums }: HostArrays): Promise<void> {
    const feeds: Record<string, Tensor> = {};
    this.#each({ model, slots }, (name, pack, arrays) => {
      feeds[name] = pack.gather(arrays);
    });
    const made = await this.#sessions.up.run(feeds);
    this.#replace(Object.fromEntries(this.#names.map((name) => [name, made[nextOf(name)]!])));
    this.#dropSums();
    if (sums === undefined) return;
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

  async #download({ model, slots, sums }: HostArrays): Promise<void> {
    const read = await this.#sessions.down.run(this.#arrays);
    this.#each({ model, slots }, (name, pack, arrays) => {
      pack.scatter(read[nextOf(name)]!.data as Float32Array, arrays);
    });
    if (sums !== undefined) await this.downloadGradients(this.#sums!, sums);
  }

  /** Copies gradients of a pass, or their sums, to the host's arrays. */
  async downloadGradients(gradients: Tensors, into: Readonly<Arrays>): Promise<void> {
    // The arrays have the shapes of the parameters that they belong to, and take their way.
    const { trained } = this.packs;
    const own = Object.fromEntries(trained.map(({ name }) => [name, gradients[gradientOf(name)]!]));
    const outputs = trained.map(({ name }) => nextOf(name));
    const read = await this.#sessions.down.run({ ...this.#arrays, ...own }, { outputs });
    for (const pack of trained) {
      pack.scatter(read[nextOf(pack.name)]!.data as Float32Array, into);
    }
  }

  /** Frees the arrays and sessions. */
  async close(): Promise<void> {
    this.#dropSums();
    disposeAll(Object.values(this.#arrays));
    this.#arrays = {};
    for (const session of Object.values(this.#sessions)) await session.close();
  }

  #replace(next: Tensors): void {
    disposeAll(Object.keys(next).flatMap((name) => this.#arrays[name] ?? []));
    this.#arrays = { ...this.#arrays, ...next };
  }

  /** Every array on the device with the pack and the host's arrays that it holds. */
  #each(
    { model, slots }: HostArrays,
    visit: (name: string, pack: Pack, arrays: Readonly<Arrays>) => void,
  ): void {
    for (const pack of allPacks(this.packs)) visit(pack.name, pack, model);
    for (const pack of this.packs.trained) {
      for (const slot of this.#optimizer.slots) visit(slotOf(slot, pack.name), pack, slots[slot]!);
    }
  }
}

/** Copies flat arrays as they are, which is how they come to a device and back. */
function copyGraph(sizes: ReadonlyMap<string, number>): Graph {
  const graph = new Graph("copy");
  for (const [name, size] of sizes) graph.output(nextOf(name), graph.input(name, "float32", [size]));
  return graph;
}
