import {
  checkOptions,
  checkTensor,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
  type Tensor,
} from "@pixelcal/core";
import { type Graph, lower, OnnxFile } from "@pixelcal/graph";
import { type CanonicalOptions, canonicalNames } from "../model/canonical.js";
import { withCarriedReading } from "../model/carried-reading.js";
import { imageAndLogits, withArrays } from "../model/image-and-logits.js";
import { isMultiLabel, passThrough } from "../model/pass-through.js";
import { type RegionHeads, regionHeadsOf } from "../model/region-heads.js";
import { type AnyModel, type FileOptions, type ModelSource, modelSource } from "../model/source.js";
import { channelBlock } from "../runtime/channel-block.js";
import { withComputedWeights } from "../runtime/computed-weights.js";
import { SerialQueue } from "../runtime/serial-queue.js";
import { createSession, type TrainDevice } from "../runtime/session.js";
import { SessionCache } from "../runtime/session-cache.js";
import { PassThroughNetwork } from "./pass-through-network.js";
import type { ProbabilityModel } from "./predict.js";
import { type Activation, withProbabilities } from "./probability-graph.js";

/** The options of a {@link Network}. */
export interface NetworkOptions extends CanonicalOptions, FileOptions {
  readonly model: AnyModel;
  /** Trained parameters and buffers, for example `readCheckpoint(path).model`; the model's own by default. */
  readonly arrays?: Readonly<Record<string, Tensor>>;
  /** "cpu" by default. */
  readonly device?: TrainDevice;
  /** Processor threads inside one operator; all by default. */
  readonly threads?: number;
  /** The regions of the network's sigmoid heads; those that an ONNX file carries by default, if any. */
  readonly regions?: RegionHeads;
  /** The most image shapes whose compiled models are kept, the most recently used; 4 by default. */
  readonly shapes?: number;
}

const names = optionNames<NetworkOptions>({
  model: true,
  arrays: true,
  device: true,
  threads: true,
  regions: true,
  shapes: true,
  ...canonicalNames,
  externalData: true,
  tiedWeights: true,
});

/**
 * A model for inference in the calling process; services use `Predictor`, which runs it in a process of its
 * own. Takes images [N, C, ...spatial] of every size the model accepts. Calls run one after another, in the
 * order they were made.
 */
export class Network implements ProbabilityModel {
  readonly #source: ModelSource;
  readonly #options: NetworkOptions;
  readonly #sessions: SessionCache;
  readonly #queue = new SerialQueue();
  /** The regions of the network's heads, if its file or the options say that it has such. */
  readonly regions: RegionHeads | undefined;
  /**
   * Why no graph can be made of the file, if so: the runtime then predicts with the file as it is, and an
   * output that ends in a softmax or sigmoid is taken from it.
   */
  readonly passThrough: string | undefined;
  readonly #stored: PassThroughNetwork | undefined;
  #activation: Activation | undefined;

  constructor(given: NetworkOptions) {
    checkOptions("options", given, names);
    const { model, shapes = 4 } = given;
    if (!(Number.isInteger(shapes) && shapes >= 1))
      throw invalidArgument("shapes", "an integer of 1 or more", shapes);
    this.#sessions = new SessionCache({ count: shapes });
    const file = model instanceof OnnxFile || model instanceof Uint8Array ? OnnxFile.of(model) : undefined;
    const options = withCarriedReading(file, given);
    this.regions = options.regions ?? (file && regionHeadsOf(file));
    if (this.regions) this.#activation = "sigmoid";
    const stored = file && passThrough(file, options);
    if (stored !== undefined) {
      const heads = this.regions !== undefined;
      if (options.arrays !== undefined)
        throw new InvalidArgumentError("arrays", `arrays: the file cannot take weights: ${stored.reason}`);
      if (heads && stored.activation.endsWith("softmax"))
        throw invalidArgument("outputs", "logits or sigmoids, one channel a region", stored.activation);
      this.#activation = heads || isMultiLabel(stored, options) ? "sigmoid" : "softmax";
      this.#stored = new PassThroughNetwork(file!, stored, { ...options, shapes, heads });
    }
    this.passThrough = stored?.reason;
    this.#source = modelSource(file ?? model, options, {
      heads: this.regions !== undefined,
      // The prediction is the first of the chosen outputs.
      onMultiLabel: (output) => {
        if (output === 0) this.#activation = "sigmoid";
      },
    });
    this.#options = options;
  }

  /**
   * The function that `predict` applies to the logits, undefined before the first run: "sigmoid" if the model
   * ends in a sigmoid of several channels, or has regions, whose classes may overlap; "softmax" otherwise.
   */
  get activation(): Activation | undefined {
    return this.#activation;
  }

  /**
   * Returns class probabilities [N, classes, ...spatial] of images [N, C, ...spatial]. Throws
   * `InvalidArgumentError` for images that the model cannot take.
   */
  predict(images: Tensor<"float32">): Promise<Tensor<"float32">> {
    return this.#run("probabilities", images);
  }

  /** Predicts as {@link predict} does and overwrites `into`, an earlier result of the same dims. */
  predictInto(images: Tensor<"float32">, into: Tensor<"float32">): Promise<Tensor<"float32">> {
    return this.#run("probabilities", images, into);
  }

  /** Returns logits [N, classes, ...spatial] of images [N, C, ...spatial]. Throws like {@link predict}. */
  logits(images: Tensor<"float32">): Promise<Tensor<"float32">> {
    return this.#run("logits", images);
  }

  /** Frees all sessions. */
  close(): Promise<void> {
    return this.#queue.run(async () => {
      await this.#stored?.close();
      await this.#sessions.close();
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #run(
    kind: "probabilities" | "logits",
    images: Tensor<"float32">,
    into?: Tensor<"float32">,
  ): Promise<Tensor<"float32">> {
    const { device, threads } = this.#options;
    // One at a time: the cache must not close a session that is in use.
    return this.#queue.run(async () => {
      checkTensor("images", images, ["float32"], [3, 5]);
      if (this.#stored !== undefined) {
        const result = await this.#stored.run(kind, images, into);
        this.#checkHeads(result.dims[1]);
        return result;
      }
      const session = await this.#sessions.open(`${kind} ${images.dims}`, async () => {
        const model = this.#graph(images.dims);
        const graph = kind === "logits" ? model : withProbabilities(model, this.#activation);
        return createSession(await laidOut(graph, this.#options), { device, threads });
      });
      const [image, output] = [session.inputs[0]!.name, session.outputs[0]!.name];
      const options = into === undefined ? {} : { into: { [output]: into } };
      return (await session.run({ [image]: images }, options))[output] as Tensor<"float32">;
    });
  }

  #graph(dims: readonly number[]): Graph {
    const model = this.#source(dims);
    const { logits } = imageAndLogits(model);
    this.#checkHeads(logits.dims[1]);
    this.#activation ??= "softmax";
    return this.#options.arrays === undefined ? model : withArrays(model, this.#options.arrays);
  }

  #checkHeads(channels: number | undefined): void {
    const heads = this.regions?.regions.length;
    if (heads !== undefined && channels !== heads)
      throw invalidArgument("model", `${heads} channels, one a region`, channels);
  }
}

/** Returns the graph of a prediction as the runtime gets it. */
async function laidOut(graph: Graph, { device = "cpu", threads }: NetworkOptions): Promise<Graph> {
  // The runtime lays planes out in blocks by itself, as weights are in the model. It has no such kernels for
  // volumes.
  const isVolume = graph.inputs[0]!.dims.length === 5;
  const block = isVolume ? await channelBlock(device) : 1;
  const lowered = lower(graph, { device, block });
  return block > 1 ? withComputedWeights(lowered, threads) : lowered;
}
