import { checkTensor, InvalidArgumentError, invalidArgument, type Tensor } from "@pixelcal/core";
import { OnnxFile, withMetadata } from "@pixelcal/graph";
import { writeFileAtomic } from "@pixelcal/io";
import type { Loss } from "@pixelcal/losses";
import { readingMetadata } from "../model/carried-reading.js";
import { tileMetadata } from "../model/carried-tile.js";
import { type ExportOptions, exportModel } from "../model/export.js";
import { withWeights, writeWithWeights } from "../model/onnx-file.js";
import { type RegionHeads, regionsMetadata } from "../model/region-heads.js";
import { isDescription, type ModelSource, modelSource } from "../model/source.js";
import type { NamedArrays } from "../optimizer/named-arrays.js";
import type { ProbabilityModel } from "../predict/predict.js";
import { type Activation, withProbabilities } from "../predict/probability-graph.js";
import { type Preparation, preparationMetadata } from "../preparation/preparation.js";
import { SerialQueue } from "../runtime/serial-queue.js";
import type { TrainDevice } from "../runtime/session.js";
import type { Tensors } from "../runtime/session-values.js";
import { restoreArrays, stateDifferences, writeCheckpoint } from "./checkpoint.js";
import { readRunCheckpoint } from "./checkpoint-rotation.js";
import type { Exchange } from "./exchange.js";
import type { HostState } from "./host-state.js";
import { chosenWeights, type StepResult, type TrainerOptions, type WeightsChoice } from "./options.js";
import { checkpointState, type Setup, setUp } from "./setup.js";
import { type LossValues, lossValues, targetFeeds } from "./step-graph.js";
import { checkBatch, type TrainingBatch } from "./training-batch.js";
import type { Weights } from "./weights.js";

type Floats = Tensor<"float32">;
type LossAndLogits = LossValues & { readonly logits: Floats };

/**
 * A model in training: parameters, buffers and optimizer state, and the graphs that update them. Calls that
 * read or change the parameters run one after another, in the order they were made.
 */
export class Trainer implements ProbabilityModel {
  /** Every parameter by name, trained or frozen; updated in place. On webgpu, as of the last `read`. */
  readonly parameters: Readonly<NamedArrays>;
  /** Names of the trained parameters. */
  readonly trainable: readonly string[];
  readonly classes: number;
  readonly loss: Loss;
  readonly device: TrainDevice;
  readonly threads: number;
  /** The other processes of the training; undefined if there are none. */
  readonly exchange: Exchange | undefined;
  /** The epoch that decides the learning rate, counted from 0; `fit` sets it. */
  epoch = 0;

  readonly #setup: Setup;
  readonly #state: HostState;
  readonly #weights: Weights;
  readonly #queue = new SerialQueue();

  private constructor(setup: Setup) {
    const { options, classes, device, threads, state, weights } = setup;
    this.#setup = setup;
    this.#state = state;
    this.#weights = weights;
    this.parameters = state.parameters;
    this.trainable = state.trainable;
    this.classes = classes;
    this.loss = options.loss;
    this.device = device;
    this.threads = threads;
    this.exchange = setup.exchange;
  }

  /**
   * Lays the model out for the usual batch and compiles its step. Throws `InvalidArgumentError` for options
   * or a model that cannot be trained, and `DeviceError` if the device cannot run the step.
   */
  static async create(options: TrainerOptions): Promise<Trainer> {
    return new Trainer(await setUp(options));
  }

  /** Running statistics by name. On webgpu, as of the last `read`. */
  get buffers(): Readonly<NamedArrays> {
    return this.#state.buffers;
  }

  /** Optimizer updates made so far. */
  get updates(): number {
    return this.#state.updates;
  }

  /** Batches whose gradients are accumulated but not yet applied. */
  get pending(): number {
    return this.#state.pending;
  }

  /** The function that makes probabilities of the logits. */
  get activation(): Activation {
    return this.loss.regions === undefined ? "softmax" : "sigmoid";
  }

  /** The optimizer's learning rate times the schedule's factor, for the next update. */
  get learningRate(): number {
    return this.#state.optimizer.learningRate * this.#factor;
  }

  /** Returns the loss's targets of a batch, which do not depend on parameters: may run during a step. */
  async targets(batch: TrainingBatch): Promise<Tensors> {
    checkBatch(batch);
    const { images, labels, spacing, labelRange } = batch;
    const image = this.loss.needsImage ? images : undefined;
    return this.loss.targets(labels, { classes: this.classes, spacing, image, labelRange });
  }

  /**
   * Runs one forward and backward pass, and an update after every `accumulate` batches. Throws
   * `DivergedError`.
   */
  step(batch: TrainingBatch): Promise<StepResult> {
    return this.#run(async () => {
      const { learningRate } = this;
      const values = await this.#backward(batch);
      await this.#weights.accumulate();
      this.#state.pending += 1;
      if (this.#state.pending < this.#setup.accumulate) return { ...values, learningRate };
      const { clipNorm, accumulate: batches } = this.#setup;
      const scalars = { factor: this.#factor, clipNorm, batches, count: this.updates + 1 };
      const gradientNorm = await this.#weights.update(scalars);
      this.#state.updates += 1;
      this.#state.pending = 0;
      if (this.#state.averages !== undefined) {
        // The host keeps the averages, so weights on a device are copied after every update.
        await this.#weights.read();
        this.#state.updateAverages();
      }
      return { ...values, gradientNorm, learningRate };
    });
  }

  /** Returns the gradient of the batch's loss for every trained parameter; changes nothing. */
  gradients(batch: TrainingBatch): Promise<NamedArrays> {
    return this.#run(async () => {
      await this.#backward(batch);
      return this.#weights.takeGradients();
    });
  }

  /** Returns loss, terms and logits [N, classes, ...spatial] of a batch, with inference behaviour. */
  evaluateLoss(batch: TrainingBatch, choice: WeightsChoice = {}): Promise<LossAndLogits> {
    return this.#run(async () => {
      const session = await this.#setup.sessions.open("evaluation", checkBatch(batch));
      const weights = await this.#weights.feeds(this.#averages(choice));
      const outputs = await session.run({ ...(await this.#feeds(batch)), ...weights });
      return { ...lossValues(outputs), logits: outputs[this.#setup.names.logits] as Floats };
    });
  }

  /** Returns probabilities [N, classes, ...spatial] of images [N, C, ...spatial], as in inference. */
  predict(images: Floats, choice: WeightsChoice = {}): Promise<Floats> {
    return this.#infer("probabilities", images, choice);
  }

  /** Returns logits [N, classes, ...spatial] of images [N, C, ...spatial], as in inference. */
  logits(images: Floats, choice: WeightsChoice = {}): Promise<Floats> {
    return this.#infer("logits", images, choice);
  }

  /**
   * Returns the trained model as an ONNX file for any runtime. A model that was given as an ONNX file keeps
   * everything but its weights; for other models `options` give the images that the file takes, and the file
   * ends in the sigmoids of a loss's regions, else in logits.
   */
  exportModel({ weights, ...options }: ExportOptions & WeightsChoice = {}): Uint8Array {
    const { model, batch } = this.#setup.options;
    const arrays = this.weights({ weights });
    if (model instanceof OnnxFile) return withWeights(model, arrays, options);
    // Not as it is trained: the heads of deep supervision serve training alone.
    const plain = isDescription(model) ? modelSource(model) : this.#setup.source;
    // Logits do not say that their channels are heads; sigmoids do.
    const source: ModelSource =
      this.loss.regions === undefined
        ? plain
        : (dims) => withProbabilities(plain(dims), "sigmoid", "probabilities");
    return exportModel(source, arrays, { dims: [1, ...batch.slice(1)], ...options });
  }

  /**
   * Writes `exportModel()` to a file, and beside it the files that an ONNX model keeps weights in. The file
   * carries `preparation` and the size of tiles, if given, the loss's regions with `classOrder`, and of an
   * ONNX model how it is read: its axes, `channels` and `inputs`, for whoever predicts with it.
   */
  writeModel(
    path: string,
    {
      preparation,
      tile,
      classOrder,
      ...choice
    }: WeightsChoice &
      Pick<RegionHeads, "classOrder"> & {
        readonly preparation?: Preparation;
        readonly tile?: readonly number[] | undefined;
      } = {},
  ): Promise<void> {
    const { regions } = this.loss;
    const carried = {
      ...(preparation && preparationMetadata(preparation)),
      ...(tile && tileMetadata(tile)),
      ...(regions && regionsMetadata({ regions, ...(classOrder && { classOrder }) })),
      ...(this.#setup.options.model instanceof OnnxFile && readingMetadata(this.#setup.options)),
    };
    const metadata = Object.keys(carried).length > 0 ? carried : undefined;
    return this.#run(async () => {
      await this.#weights.read();
      const { model, externalData } = this.#setup.options;
      if (model instanceof OnnxFile)
        return writeWithWeights(path, model, this.weights(choice), { externalData, metadata });
      const bytes = this.exportModel(choice);
      return writeFileAtomic(path, metadata ? Buffer.concat(withMetadata(bytes, metadata)) : bytes);
    });
  }

  /** Returns parameters and buffers by name, as trained or averaged. */
  weights(choice: WeightsChoice = {}): Readonly<NamedArrays> {
    if (this.#weights.stale)
      throw new InvalidArgumentError("weights", "weights: the arrays are on webgpu; await read() first");
    return { ...this.#state.model, ...this.#averages(choice) };
  }

  /** Updates `parameters` and `buffers` from webgpu; on other devices they are always up to date. */
  read(): Promise<void> {
    return this.#run(() => this.#weights.read());
  }

  /** Writes a checkpoint, from which training resumes bit for bit; `restore` returns `extra`, any JSON. */
  save(path: string, extra?: unknown): Promise<void> {
    return this.#run(async () => {
      await this.#weights.read();
      const state = checkpointState(this.#setup, this.epoch, extra);
      await writeCheckpoint(path, { ...this.#state.arrays(), state });
    });
  }

  /** Resumes from a checkpoint; `differences` names settings that changed, those of the last bits too. */
  restore(path: string): Promise<{ readonly differences: readonly string[]; readonly extra: unknown }> {
    return this.#run(async () => {
      const checkpoint = await readRunCheckpoint(path);
      const { state } = checkpoint;
      restoreArrays(path, checkpoint, this.#state.arrays(state.pending));
      this.#state.restored(state);
      this.#weights.invalidate();
      this.epoch = state.epoch;
      const now = checkpointState(this.#setup, this.epoch, undefined);
      return { differences: stateDifferences(state, now), extra: state.extra };
    });
  }

  /** Throws unless a step, or an evaluation of the loss, can be laid out for images [N, C, ...spatial]. */
  layOut(kind: "step" | "evaluation", dims: readonly number[]): Promise<void> {
    return this.#run(() => this.#setup.sessions.layOut(kind, dims));
  }

  /** Frees all sessions and device memory. */
  close(): Promise<void> {
    return this.#run(async () => {
      await this.#setup.sessions.close();
      await this.#weights.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Runs a task after those before it; its sessions hold the event loop for as long as they compute. */
  #run<T>(task: () => Promise<T>): Promise<T> {
    const { exchange } = this;
    return this.#queue.run(exchange === undefined ? task : () => exchange.working(task));
  }

  get #factor(): number {
    return this.#setup.schedule.factor(this.epoch, this.updates);
  }

  #infer(kind: "probabilities" | "logits", images: Floats, choice: WeightsChoice): Promise<Floats> {
    return this.#run(async () => {
      checkTensor("images", images, ["float32"], [3, 5]);
      const session = await this.#setup.sessions.open(kind, images.dims);
      const weights = await this.#weights.feeds(this.#averages(choice));
      const outputs = await session.run({ [this.#setup.names.image]: images, ...weights });
      return outputs[session.outputs[0]!.name] as Floats;
    });
  }

  async #backward(batch: TrainingBatch): Promise<LossValues> {
    const { shares } = batch;
    const size = this.exchange?.size ?? 1;
    if ((shares?.length ?? 1) !== size)
      throw invalidArgument("batch.shares", `the numbers of images of ${size} ranks`, shares);
    const session = await this.#setup.sessions.open("step", checkBatch(batch));
    return this.#weights.backward(session, await this.#feeds(batch), shares);
  }

  #averages(choice: WeightsChoice): Readonly<NamedArrays> | undefined {
    const { averages } = this.#state;
    return chosenWeights(choice, averages !== undefined) === "trained" ? undefined : averages?.arrays;
  }

  async #feeds(batch: TrainingBatch): Promise<Tensors> {
    const weights = await this.#weights.feeds();
    const targets = batch.targets ?? (await this.targets(batch));
    const state = this.loss.state?.arrays(this.classes);
    const feeds = targetFeeds({ ...targets, ...state });
    return { [this.#setup.names.image]: batch.images, ...weights, ...feeds };
  }
}
