import { checkOptions, checkTensor, optionNames, type Tensor } from "@pixelcal/core";
import { type Graph, lower } from "@pixelcal/graph";
import type { ModelEnds } from "../model/canonical.js";
import { modelEnds, withArrays } from "../model/image-and-logits.js";
import { type AnyModel, type FileOptions, type ModelSource, modelSource } from "../model/source.js";
import { Turns } from "../runtime/serial-queue.js";
import { createSession, type TrainDevice } from "../runtime/session.js";
import { SessionCache } from "../runtime/session-cache.js";
import type { LogitsModel } from "./predict.js";

export interface PredictorOptions extends ModelEnds, FileOptions {
  readonly model: AnyModel;
  /** Trained parameters and buffers, `readCheckpoint(path).model` for one; the model's own without it. */
  readonly arrays?: Readonly<Record<string, Tensor>>;
  readonly device?: TrainDevice;
  readonly threads?: number;
}

const names = optionNames<PredictorOptions>({
  model: true,
  arrays: true,
  device: true,
  threads: true,
  outputs: true,
  classAxis: true,
  channelAxis: true,
  externalData: true,
  tiedWeights: true,
});

/** A model that only predicts, on the thread that calls it (`Predictor` is for services): images [N, C, ...spatial] of any size it can be laid out for. */
export class ModelPredictor implements LogitsModel {
  readonly #source: ModelSource;
  readonly #options: PredictorOptions;
  readonly #sessions = new SessionCache(4);
  readonly #turns = new Turns();
  #activation: LogitsModel["activation"];

  constructor(options: PredictorOptions) {
    checkOptions("options", options, names);
    // The prediction is the first of the chosen outputs.
    this.#source = modelSource(options.model, options, (output) => {
      if (output === 0) this.#activation = "sigmoid";
    });
    this.#options = options;
  }

  /**
   * What makes probabilities of the logits, once a first image was predicted: "sigmoid" where the file ends in a sigmoid of
   * several channels, whose labels may overlap; `predict(predictor, image)` then gives the file's own probabilities.
   */
  get activation(): LogitsModel["activation"] {
    return this.#activation;
  }

  predict(images: Tensor<"float32">): Promise<Tensor<"float32">> {
    const { device, threads } = this.#options;
    // One at a time: a session that is in use must not be closed to make room for another.
    return this.#turns.take(async () => {
      checkTensor("images", images, ["float32"], [3, 5]);
      const session = await this.#sessions.open(images.dims.join(), () =>
        createSession(lower(this.#graph(images.dims), { device }), { device, threads }),
      );
      const [image, logits] = [session.inputs[0]!.name, session.outputs[0]!.name];
      return (await session.run({ [image]: images }))[logits] as Tensor<"float32">;
    });
  }

  /** Frees all sessions. */
  close(): Promise<void> {
    return this.#turns.take(() => this.#sessions.close());
  }

  #graph(dims: readonly number[]): Graph {
    const model = this.#source(dims);
    modelEnds(model);
    this.#activation ??= "softmax";
    return this.#options.arrays === undefined ? model : withArrays(model, this.#options.arrays);
  }
}
