import type { Tensor } from "@pixelcal/core";
import { type Graph, updatedName } from "@pixelcal/graph";
import type { Loss } from "@pixelcal/losses";
import native from "@pixelcal/native";
import { type Arrays, addTo, copied, copies, zerosLike } from "./arrays.js";
import {
  readCheckpoint,
  restoreArrays,
  stateDifferences,
  type TrainingState,
  writeCheckpoint,
} from "./checkpoint.js";
import { type ExportOptions, exportModel } from "./export.js";
import { modelEnds, rolesOf } from "./model-arrays.js";
import { type ModelSource, modelSource } from "./model-source.js";
import { adamW, type Optimizer } from "./optimizer.js";
import type { Predictor } from "./predict.js";
import { type HostArrays, Resident } from "./resident.js";
import { type ResidentPass, residentPass } from "./resident-pass.js";
import { constant, type Schedule } from "./schedule.js";
import { createSession, runtimeVersion, type Session, type Tensors, type TrainDevice } from "./session.js";
import { SessionCache } from "./session-cache.js";
import {
  buildEvaluationGraph,
  buildInferenceGraph,
  buildStepGraph,
  gradientOutput,
  type LossValues,
  lossValues,
  targetInput,
} from "./step-graph.js";
import {
  checkBatch,
  checkFinite,
  checkNumbers,
  chosen,
  type StepResult,
  type TrainerOptions,
  type TrainingBatch,
} from "./trainer-options.js";
import { Turns } from "./turns.js";

type Floats = Tensor<"float32">;

/**
 * A model in training: parameters, buffers and optimizer state, and the graphs that move them. Calls that read or
 * change the parameters run one after another, in the order they were made.
 */
export class Trainer implements Predictor {
  /** Every parameter by name, trained or frozen; updated in place. On webgpu as of the last `read`, see there. */
  readonly parameters: Readonly<Arrays>;
  /** Names of the parameters that are trained. */
  readonly trainable: readonly string[];
  readonly classes: number;
  readonly loss: Loss;
  readonly device: TrainDevice;
  readonly threads: number;
  /** The epoch that decides the learning rate, counted from 0; `fit` sets it. */
  epoch = 0;

  readonly #source: ModelSource;
  readonly #modelName: string;
  /** Names of the model's input and output. */
  readonly #image: string;
  readonly #logits: string;
  readonly #batch: readonly number[];
  readonly #optimizer: Optimizer;
  readonly #schedule: Schedule;
  readonly #clipNorm: number;
  readonly #accumulate: number;
  readonly #runtime: string;
  readonly #sessions = new SessionCache(6);
  readonly #turns = new Turns();
  readonly #slots: Readonly<Record<string, Arrays>>;
  readonly #gradients: Arrays;
  /** Sums of gradients while `#pending` of `#accumulate` batches have been seen. */
  readonly #sums: Arrays;
  #buffers: Readonly<Arrays>;
  /** Keeps the arrays on webgpu; those here are then its copies, to write before a first step and to `read`. */
  #resident: Resident | undefined;
  /** What the next step writes its buffers to. */
  #spare: Readonly<Arrays>;
  #pending = 0;
  #updates = 0;

  private constructor(options: TrainerOptions, source: ModelSource, model: Graph, runtime: string) {
    const { clipNorm, accumulate, threads } = checkNumbers(options);
    const { parameters, buffers } = rolesOf(model);
    const { image, logits } = modelEnds(model);
    this.#source = source;
    this.#modelName = model.name;
    this.#image = image.name;
    this.#logits = [...model.outputs.keys()][0]!;
    this.#batch = options.batch;
    this.#optimizer = options.optimizer ?? adamW();
    this.#schedule = options.schedule ?? constant();
    this.#clipNorm = clipNorm;
    this.#accumulate = accumulate;
    this.#runtime = runtime;
    this.loss = options.loss;
    this.device = options.device ?? "cpu";
    this.threads = threads;
    this.classes = logits.dims[1]!;
    this.parameters = copies(model, parameters);
    this.#buffers = copies(model, buffers);
    this.#spare = copies(model, buffers);
    this.trainable = chosen(parameters, options.trainable);
    this.#gradients = this.#zeros();
    this.#sums = accumulate > 1 ? this.#zeros() : {};
    this.#slots = Object.fromEntries(this.#optimizer.slots.map((slot) => [slot, this.#zeros()]));
  }

  /** Lays the model out for the usual batch and compiles its step, so that what cannot be trained fails here. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const source = modelSource(options.model, options.seed);
    const trainer = new Trainer(options, source, source(options.batch), await runtimeVersion());
    try {
      if (trainer.device === "webgpu") await trainer.#moveIn();
      await trainer.#stepSession(options.batch);
    } catch (error) {
      await trainer.close();
      throw error;
    }
    return trainer;
  }

  /** Running statistics by name, as they stand. */
  get buffers(): Readonly<Arrays> {
    return this.#buffers;
  }

  /** Optimizer updates made so far. */
  get updates(): number {
    return this.#updates;
  }

  /** Batches whose gradients are accumulated but not yet applied. */
  get pending(): number {
    return this.#pending;
  }

  get learningRate(): number {
    return this.#optimizer.learningRate * this.#schedule.factor(this.epoch);
  }

  /** What the loss needs to know of a batch's labels. Independent of the parameters: may run during a step. */
  async targets(batch: TrainingBatch): Promise<Tensors> {
    checkBatch(batch);
    return this.loss.targets(batch.labels, {
      classes: this.classes,
      ...(batch.spacing === undefined ? {} : { spacing: batch.spacing }),
      ...(this.loss.needsImage ? { image: batch.images } : {}),
    });
  }

  /** One forward and backward pass, and an update once `accumulate` batches have been seen. Throws `DivergedError`. */
  step(batch: TrainingBatch): Promise<StepResult> {
    return this.#turns.take(async () => {
      if (this.#resident !== undefined) return this.#stepOnDevice(this.#resident, batch);
      const learningRate = this.learningRate;
      const values = await this.#backward(batch);
      let gradients = this.#gradients;
      let gradientNorm = await this.#norm(gradients);
      this.#keepBuffers();
      if (this.#accumulate > 1) {
        addTo(this.#sums, gradients);
        this.#pending += 1;
        if (this.#pending < this.#accumulate) return { ...values, learningRate };
        gradients = this.#sums;
        gradientNorm = (await this.#norm(gradients)) / this.#accumulate;
      }
      await this.#optimizer.update({
        parameters: this.#list(this.parameters),
        gradients: this.#list(gradients),
        slots: Object.fromEntries(Object.entries(this.#slots).map(([slot, all]) => [slot, this.#list(all)])),
        decays: this.trainable.map((name) => this.#decays(name)),
        learningRate,
        gradientScale: Math.min(1, this.#clipNorm / gradientNorm) / this.#accumulate,
        count: this.#updates + 1,
      });
      this.#updates += 1;
      this.#pending = 0;
      this.#clearSums();
      return { ...values, gradientNorm, learningRate };
    });
  }

  /** The gradient of the batch's loss for every trained parameter; changes nothing. */
  gradients(batch: TrainingBatch): Promise<Arrays> {
    return this.#turns.take(async () => {
      if (this.#resident === undefined) await this.#backward(batch);
      else {
        const { pass } = await this.#passOnDevice(this.#resident, batch);
        await this.#resident.downloadGradients(pass.gradients, this.#gradients);
        this.#resident.drop(pass);
      }
      return copied(this.#gradients);
    });
  }

  /** Loss, terms and logits of a batch as the model stands, with inference behaviour. */
  evaluateLoss(batch: TrainingBatch): Promise<LossValues & { readonly logits: Floats }> {
    return this.#turns.take(async () => {
      const session = await this.#open("evaluation", batch.images.dims, (model) =>
        buildEvaluationGraph(model, this.loss, this.device, this.#resident?.packs),
      );
      const outputs = await session.run(await this.#feeds(batch));
      return { ...lossValues(outputs), logits: outputs[this.#logits] as Floats };
    });
  }

  /** Logits [N, classes, ...spatial] of images [N, C, ...spatial], with inference behaviour. */
  predict(images: Floats): Promise<Floats> {
    return this.#turns.take(async () => {
      const session = await this.#open("inference", images.dims, (model) =>
        buildInferenceGraph(model, this.device, this.#resident?.packs),
      );
      const outputs = await session.run({ [this.#image]: images, ...(await this.#model()) });
      return outputs[this.#logits] as Floats;
    });
  }

  /** The trained model as an ONNX file for any runtime: the model's own input and output, standard operators only. */
  exportModel(options: ExportOptions = {}): Uint8Array {
    if (this.#resident?.stale) throw new Error("exportModel: the arrays are on webgpu; await read() before");
    const dims = options.dims ?? [1, ...this.#batch.slice(1)];
    return exportModel(this.#source, { ...this.parameters, ...this.#buffers }, { ...options, dims });
  }

  /** Brings `parameters` and `buffers` up to date with a device that keeps them, webgpu; elsewhere they always are. */
  read(): Promise<void> {
    return this.#turns.take(async () => this.#resident?.read(this.#host()));
  }

  /** Writes everything a run needs to go on exactly from here; `extra` is any JSON the caller wants back. */
  save(path: string, extra?: unknown): Promise<void> {
    return this.#turns.take(async () => {
      await this.#resident?.read(this.#host());
      const { model, slots, sums: accumulated = {} } = this.#host();
      await writeCheckpoint(path, { model, slots, accumulated, state: this.#state(extra) });
    });
  }

  /** Continues from a checkpoint. `differences` names what makes results differ in the last bits, or settings that changed. */
  restore(path: string): Promise<{ readonly differences: readonly string[]; readonly extra: unknown }> {
    return this.#turns.take(async () => {
      const checkpoint = await readCheckpoint(path);
      const { updates, pending, epoch } = checkpoint.state;
      restoreArrays(path, checkpoint, {
        model: { ...this.parameters, ...this.#buffers },
        slots: this.#slots,
        accumulated: pending > 0 ? this.#sums : {},
      });
      if (pending === 0) this.#clearSums();
      this.#resident?.forget();
      this.#updates = updates;
      this.#pending = pending;
      this.epoch = epoch;
      return {
        differences: stateDifferences(checkpoint.state, this.#state()),
        extra: checkpoint.state.extra,
      };
    });
  }

  /** Frees all sessions. */
  close(): Promise<void> {
    return this.#turns.take(async () => {
      await this.#sessions.close();
      await this.#resident?.close();
    });
  }

  #decays(name: string): boolean {
    return this.#optimizer.decay === "all" || this.parameters[name]!.dims.length > 1;
  }

  async #moveIn(): Promise<void> {
    const { device, parameters, trainable } = this;
    const [optimizer, buffers, decays] = [this.#optimizer, this.#buffers, this.#decays.bind(this)];
    this.#resident = await Resident.create({ device, optimizer, parameters, buffers, trainable, decays });
  }

  #host(): HostArrays {
    const model = { ...this.parameters, ...this.#buffers };
    return { model, slots: this.#slots, ...(this.#pending > 0 ? { sums: this.#sums } : {}) };
  }

  /** Parameters and buffers as graphs take them. */
  async #model(): Promise<Tensors> {
    if (this.#resident === undefined) return { ...this.parameters, ...this.#buffers };
    await this.#resident.ready(this.#host());
    return this.#resident.feeds;
  }

  async #passOnDevice(resident: Resident, batch: TrainingBatch): Promise<ResidentPass> {
    const session = await this.#stepSession(batch.images.dims);
    const without = [this.#logits, ...Object.keys(this.#buffers).map(updatedName)];
    return residentPass(resident, session, await this.#feeds(batch), { without, updates: this.#updates });
  }

  async #stepOnDevice(resident: Resident, batch: TrainingBatch): Promise<StepResult> {
    const learningRate = this.learningRate;
    const { pass, values, gradientNorm: own } = await this.#passOnDevice(resident, batch);
    const sum = await resident.accumulate(pass, own);
    this.#pending += 1;
    if (this.#pending < this.#accumulate) return { ...values, learningRate };
    checkFinite("gradient norm", sum, this.#updates);
    const gradientNorm = sum / this.#accumulate;
    const gradientScale = Math.min(1, this.#clipNorm / gradientNorm) / this.#accumulate;
    await resident.update({ learningRate, gradientScale, count: this.#updates + 1 });
    this.#updates += 1;
    this.#pending = 0;
    return { ...values, gradientNorm, learningRate };
  }

  #state(extra?: unknown): TrainingState {
    return {
      updates: this.#updates,
      epoch: this.epoch,
      pending: this.#pending,
      model: this.#modelName,
      loss: `${this.loss.name} (${this.loss.preset})`,
      optimizer: `${this.#optimizer.name} ${JSON.stringify(this.#optimizer.settings)}`,
      schedule: `${this.#schedule.name} ${JSON.stringify(this.#schedule.settings)}`,
      device: this.device,
      threads: this.threads,
      runtime: this.#runtime,
      ...(extra === undefined ? {} : { extra }),
    };
  }

  async #backward(batch: TrainingBatch): Promise<LossValues> {
    const session = await this.#stepSession(batch.images.dims);
    const into: Record<string, Tensor> = {};
    for (const name of this.trainable) into[gradientOutput(name)] = this.#gradients[name]!;
    for (const name of Object.keys(this.#buffers)) into[updatedName(name)] = this.#spare[name]!;
    const outputs = session.outputs.map(({ name }) => name).filter((name) => name !== this.#logits);
    const values = lossValues(await session.run(await this.#feeds(batch), { into, outputs }));
    checkFinite("loss", values.loss, this.#updates);
    return values;
  }

  async #norm(gradients: Readonly<Arrays>): Promise<number> {
    const norm = await native.gradientNorm({ gradients: this.#list(gradients) });
    checkFinite("gradient norm", norm, this.#updates);
    return norm;
  }

  #clearSums(): void {
    for (const { data } of Object.values(this.#sums)) data.fill(0);
  }

  #keepBuffers(): void {
    [this.#buffers, this.#spare] = [this.#spare, this.#buffers];
  }

  async #feeds(batch: TrainingBatch): Promise<Tensors> {
    checkBatch(batch);
    const feeds: Record<string, Tensor> = {
      [this.#image]: batch.images,
      ...(await this.#model()),
    };
    for (const [name, target] of Object.entries(batch.targets ?? (await this.targets(batch)))) {
      feeds[targetInput(name)] = target;
    }
    return feeds;
  }

  #stepSession(dims: readonly number[]): Promise<Session> {
    const { loss, trainable, device } = this;
    const packs = this.#resident?.packs;
    return this.#open(
      "step",
      dims,
      (model) => buildStepGraph(model, { loss, trainable, device, ...(packs && { packs }) }),
      this.#resident?.kept,
    );
  }

  #open(
    kind: string,
    dims: readonly number[],
    build: (model: Graph) => Graph,
    keep: readonly string[] = [],
  ): Promise<Session> {
    const { device, threads } = this;
    return this.#sessions.open(`${kind} ${dims}`, () =>
      createSession(build(this.#source(dims)), { device, threads, keep }),
    );
  }

  #list(arrays: Readonly<Arrays>): Float32Array[] {
    return this.trainable.map((name) => arrays[name]!.data);
  }

  #zeros(): Arrays {
    return zerosLike(this.parameters, this.trainable);
  }
}
