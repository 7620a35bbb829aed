import { checkTensor, type Tensor } from "@pixelcal/core";
import { type Graph, replaceWeights, updatedName } from "@pixelcal/graph";
import { writeFileAtomic } from "@pixelcal/io";
import type { Loss } from "@pixelcal/losses";
import { type ExportOptions, exportModel } from "../model/export.js";
import { modelEnds, rolesOf } from "../model/image-and-logits.js";
import { withWeights, writeWithWeights } from "../model/onnx-file.js";
import { type ModelSource, modelSource } from "../model/source.js";
import { type Arrays, addTo, clear, copied, copies } from "../optimizer/arrays.js";
import { adamW } from "../optimizer/optimizer.js";
import { ratesOf } from "../optimizer/parameter-groups.js";
import { constant, type Schedule } from "../optimizer/schedule.js";
import { Averages } from "../optimizer/weight-averages.js";
import type { ProbabilityModel } from "../predict/predict.js";
import { SerialQueue } from "../runtime/serial-queue.js";
import { runtimeVersion, type Tensors, type TrainDevice } from "../runtime/session.js";
import { restoreArrays, stateDifferences, type TrainingState, writeCheckpoint } from "./checkpoint.js";
import { readRunCheckpoint } from "./checkpoint-rotation.js";
import { type HostArrays, Resident } from "./device-weights.js";
import { type ResidentPass, residentPass } from "./device-weights-pass.js";
import { type UpdateNumbers, Updater } from "./host-weights.js";
import {
  checkBatch,
  checkFinite,
  checkNumbers,
  checkTrainerOptions,
  chosen,
  chosenWeights,
  outputWeights,
  type StepResult,
  settingsOf,
  type TrainerOptions,
  type TrainingBatch,
  type WeightsChoice,
} from "./options.js";
import { TrainingSessions } from "./sessions.js";
import { gradientOutput, type LossValues, lossValues, targetInput } from "./step-graph.js";

type Floats = Tensor<"float32">;

/**
 * A model in training: parameters, buffers and optimizer state, and the graphs that move them. Calls that read or
 * change the parameters run one after another, in the order they were made.
 */
export class Trainer implements ProbabilityModel {
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

  readonly #options: TrainerOptions;
  readonly #source: ModelSource;
  readonly #modelName: string;
  /** Names of the model's input and outputs. */
  readonly #image: string;
  readonly #logits: readonly string[];
  readonly #updater: Updater;
  readonly #schedule: Schedule;
  readonly #averages: Averages | undefined;
  readonly #clipNorm: number;
  readonly #accumulate: number;
  readonly #runtime: string;
  readonly #sessions: TrainingSessions;
  readonly #queue = new SerialQueue();
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
    this.#options = options;
    this.#source = source;
    this.#modelName = model.name;
    this.#image = image.name;
    this.#logits = [...model.outputs.keys()];
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
    this.trainable = chosen(model, parameters, options.trainable);
    const { loss, device, trainable } = this;
    const [weights, { batchNorm }] = [outputWeights(options.outputs), options];
    this.#sessions = new TrainingSessions(source, { loss, device, trainable, weights, batchNorm, threads });
    const optimizer = options.optimizer ?? adamW();
    const rates = ratesOf(this.trainable, optimizer.learningRate, options.groups);
    this.#updater = new Updater(optimizer, rates, this.parameters, accumulate > 1);
    this.#averages = options.ema === undefined ? undefined : new Averages(options.ema, this.#averaged());
  }

  /** Lays the model out for the usual batch and compiles its step, so that what cannot be trained fails here. */
  static async create(options: TrainerOptions): Promise<Trainer> {
    const { outputs, ...rest } = checkTrainerOptions(options);
    const source = modelSource(options.model, { ...rest, ...(outputs && { outputs: Object.keys(outputs) }) });
    const trainer = new Trainer(options, source, source(options.batch), await runtimeVersion());
    try {
      // A file that could not take the new weights in is no use to train.
      if (options.model instanceof Uint8Array) replaceWeights(options.model, trainer.weights());
      if (trainer.device === "webgpu") await trainer.#moveIn();
      await trainer.#sessions.step(options.batch);
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
    return this.#updater.optimizer.learningRate * this.#schedule.factor(this.epoch, this.#updates);
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
    return this.#queue.run(async () => {
      if (this.#resident !== undefined) return this.#stepOnDevice(this.#resident, batch);
      const learningRate = this.learningRate;
      const values = await this.#backward(batch);
      let gradients = this.#updater.gradients;
      let gradientNorm = await this.#updater.norm(gradients, this.#updates);
      if (this.#options.batchNorm !== "frozen") [this.#buffers, this.#spare] = [this.#spare, this.#buffers];
      if (this.#accumulate > 1) {
        addTo(this.#updater.sums, gradients);
        this.#pending += 1;
        if (this.#pending < this.#accumulate) return { ...values, learningRate };
        gradients = this.#updater.sums;
        gradientNorm = (await this.#updater.norm(gradients, this.#updates)) / this.#accumulate;
      }
      await this.#updater.update(gradients, this.#numbers(gradientNorm));
      this.#updates += 1;
      this.#pending = 0;
      clear(this.#updater.sums);
      this.#averages?.follow(this.#averaged(), this.#updates);
      return { ...values, gradientNorm, learningRate };
    });
  }

  /** The gradient of the batch's loss for every trained parameter; changes nothing. */
  gradients(batch: TrainingBatch): Promise<Arrays> {
    return this.#queue.run(async () => {
      if (this.#resident === undefined) await this.#backward(batch);
      else {
        const { pass } = await this.#passOnDevice(this.#resident, batch);
        await this.#resident.downloadGradients(pass.gradients, this.#updater.gradients);
        this.#resident.drop(pass);
      }
      return copied(this.#updater.gradients);
    });
  }

  /** Loss, terms and logits of a batch as the model stands, with inference behaviour. */
  evaluateLoss(
    batch: TrainingBatch,
    choice: WeightsChoice = {},
  ): Promise<LossValues & { readonly logits: Floats }> {
    return this.#queue.run(async () => {
      const session = await this.#sessions.evaluation(checkBatch(batch));
      const outputs = await session.run({ ...(await this.#feeds(batch)), ...(await this.#model(choice)) });
      return { ...lossValues(outputs), logits: outputs[this.#logits[0]!] as Floats };
    });
  }

  /** Returns class probabilities [N, classes, ...spatial] of images [N, C, ...spatial], with inference behaviour. */
  predict(images: Floats, choice: WeightsChoice = {}): Promise<Floats> {
    return this.#infer("probabilities", images, choice);
  }

  /** Returns logits [N, classes, ...spatial] of images [N, C, ...spatial], with inference behaviour. */
  logits(images: Floats, choice: WeightsChoice = {}): Promise<Floats> {
    return this.#infer("logits", images, choice);
  }

  /**
   * The trained model as an ONNX file for any runtime. Of a model that was given as an ONNX file it is that file with new
   * weights and nothing else changed; otherwise `options` say which images it takes.
   */
  exportModel({ weights, ...options }: ExportOptions & WeightsChoice = {}): Uint8Array {
    const { model, batch } = this.#options;
    const arrays = this.weights({ weights });
    if (!(model instanceof Uint8Array)) {
      return exportModel(this.#source, arrays, { dims: [1, ...batch.slice(1)], ...options });
    }
    return withWeights(model, arrays, options);
  }

  /** Writes `exportModel()` to a file, and beside it the files that an ONNX model keeps weights in. */
  writeModel(path: string, choice: WeightsChoice = {}): Promise<void> {
    return this.#queue.run(async () => {
      await this.#resident?.read(this.#host());
      const { model, externalData } = this.#options;
      if (!(model instanceof Uint8Array)) return writeFileAtomic(path, this.exportModel(choice));
      return writeWithWeights(path, model, this.weights(choice), externalData);
    });
  }

  /** Parameters and buffers by name, as they stand or averaged. */
  weights(choice: WeightsChoice = {}): Readonly<Arrays> {
    if (this.#resident?.stale) throw new Error("weights: the arrays are on webgpu; await read() before");
    return { ...this.parameters, ...this.#buffers, ...this.#chosenAverages(choice) };
  }

  /** Brings `parameters` and `buffers` up to date with a device that keeps them, webgpu; elsewhere they always are. */
  read(): Promise<void> {
    return this.#queue.run(async () => this.#resident?.read(this.#host()));
  }

  /** Writes everything a run needs to go on exactly from here; `extra` is any JSON the caller wants back. */
  save(path: string, extra?: unknown): Promise<void> {
    return this.#queue.run(async () => {
      await this.#resident?.read(this.#host());
      const { model, slots, sums: accumulated = {} } = this.#host();
      const averaged = this.#averages?.arrays ?? {};
      await writeCheckpoint(path, { model, slots, accumulated, averaged, state: this.#state(extra) });
    });
  }

  /** Continues from a checkpoint. `differences` names what makes results differ in the last bits, or settings that changed. */
  restore(path: string): Promise<{ readonly differences: readonly string[]; readonly extra: unknown }> {
    return this.#queue.run(async () => {
      const checkpoint = await readRunCheckpoint(path);
      const { updates, pending, epoch } = checkpoint.state;
      restoreArrays(path, checkpoint, {
        model: { ...this.parameters, ...this.#buffers },
        slots: this.#updater.slots,
        accumulated: pending > 0 ? this.#updater.sums : {},
        averaged: this.#averages?.arrays ?? {},
      });
      if (pending === 0) clear(this.#updater.sums);
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
    return this.#queue.run(async () => {
      await this.#sessions.close();
      await this.#resident?.close();
    });
  }

  async #moveIn(): Promise<void> {
    const { device, parameters, trainable } = this;
    const { optimizer, rates } = this.#updater;
    const [buffers, decays] = [this.#buffers, (name: string) => this.#updater.decays(name)];
    const arrays = { parameters, buffers, trainable };
    this.#resident = await Resident.create({ device, optimizer, ...arrays, rates, decays });
    this.#sessions.resident = this.#resident;
  }

  #host(): HostArrays {
    const model = { ...this.parameters, ...this.#buffers };
    return { model, slots: this.#updater.slots, ...(this.#pending > 0 ? { sums: this.#updater.sums } : {}) };
  }

  #chosenAverages(choice: WeightsChoice): Readonly<Arrays> | undefined {
    const weights = chosenWeights(choice, this.#averages !== undefined);
    return weights === "trained" ? undefined : this.#averages?.arrays;
  }

  /** Parameters and buffers as graphs take them. */
  async #model(choice: WeightsChoice): Promise<Tensors> {
    const averages = this.#chosenAverages(choice);
    if (this.#resident === undefined) return { ...this.parameters, ...this.#buffers, ...averages };
    await this.#resident.ready(this.#host());
    if (averages === undefined) return this.#resident.feeds;
    return this.#resident.feedsOf({ ...this.parameters, ...this.#buffers, ...averages });
  }

  async #passOnDevice(resident: Resident, batch: TrainingBatch): Promise<ResidentPass> {
    const session = await this.#sessions.step(checkBatch(batch));
    return residentPass(resident, session, await this.#feeds(batch), this.#updates);
  }

  async #stepOnDevice(resident: Resident, batch: TrainingBatch): Promise<StepResult> {
    const learningRate = this.learningRate;
    const { pass, values, gradientNorm: own } = await this.#passOnDevice(resident, batch);
    const sum = await resident.accumulate(pass, own);
    this.#pending += 1;
    if (this.#pending < this.#accumulate) return { ...values, learningRate };
    checkFinite("gradient norm", sum, this.#updates);
    const gradientNorm = sum / this.#accumulate;
    await resident.update(this.#numbers(gradientNorm));
    this.#updates += 1;
    this.#pending = 0;
    if (this.#averages !== undefined) {
      // The averages are kept by the host, which costs a copy of the weights for every update.
      await resident.read(this.#host());
      this.#averages.follow(this.#averaged(), this.#updates);
    }
    return { ...values, gradientNorm, learningRate };
  }

  /** Those of the next update, by sums of gradients whose mean over the batches has this norm. */
  #numbers(gradientNorm: number): UpdateNumbers {
    const gradientScale = Math.min(1, this.#clipNorm / gradientNorm) / this.#accumulate;
    const factor = this.#schedule.factor(this.epoch, this.#updates);
    return { factor, gradientScale, count: this.#updates + 1 };
  }

  #state(extra?: unknown): TrainingState {
    return {
      updates: this.#updates,
      epoch: this.epoch,
      pending: this.#pending,
      model: this.#modelName,
      loss: `${this.loss.name} (${this.loss.preset})`,
      optimizer: `${this.#updater.optimizer.name} ${JSON.stringify(this.#updater.optimizer.settings)}`,
      schedule: `${this.#schedule.name} ${JSON.stringify(this.#schedule.settings)}`,
      ...settingsOf(this.#options),
      device: this.device,
      threads: this.threads,
      runtime: this.#runtime,
      ...(extra === undefined ? {} : { extra }),
    };
  }

  async #backward(batch: TrainingBatch): Promise<LossValues> {
    const session = await this.#sessions.step(checkBatch(batch));
    const into: Record<string, Tensor> = {};
    for (const name of this.trainable) into[gradientOutput(name)] = this.#updater.gradients[name]!;
    const moved = this.#options.batchNorm === "frozen" ? [] : Object.keys(this.#buffers);
    for (const name of moved) into[updatedName(name)] = this.#spare[name]!;
    const outputs = session.outputs.map(({ name }) => name).filter((name) => !this.#logits.includes(name));
    const values = lossValues(await session.run(await this.#feeds(batch), { into, outputs }));
    checkFinite("loss", values.loss, this.#updates);
    return values;
  }

  #infer(kind: "probabilities" | "logits", images: Floats, choice: WeightsChoice): Promise<Floats> {
    return this.#queue.run(async () => {
      checkTensor("images", images, ["float32"], [3, 5]);
      const session = await this.#sessions.inference(kind, images.dims);
      const outputs = await session.run({ [this.#image]: images, ...(await this.#model(choice)) });
      return outputs[session.outputs[0]!.name] as Floats;
    });
  }

  /** What averages are kept of. */
  #averaged(): Arrays {
    const trained = this.trainable.map((name) => [name, this.parameters[name]!]);
    return { ...Object.fromEntries(trained), ...this.#buffers };
  }

  async #feeds(batch: TrainingBatch): Promise<Tensors> {
    const feeds: Record<string, Tensor> = {
      [this.#image]: batch.images,
      ...(await this.#model({ weights: "trained" })),
    };
    for (const [name, target] of Object.entries(batch.targets ?? (await this.targets(batch)))) {
      feeds[targetInput(name)] = target;
    }
    return feeds;
  }
}
