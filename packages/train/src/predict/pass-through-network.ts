import { InvalidArgumentError, sameDims, type Tensor, tensor } from "@pixelcal/core";
import {
  fromNumbers,
  Graph,
  inspectModel,
  lower,
  type OnnxFile,
  onnxTypes,
  ops,
  toNumbers,
  type Value,
  withOutput,
} from "@pixelcal/graph";
import { axisOf, canonicalAxes, imageDims, movedAxes, twoClasses } from "../model/canonical.js";
import { furtherTensors } from "../model/further-inputs.js";
import type { PassThrough } from "../model/pass-through.js";
import { networkDims, type ParsingOptions } from "../model/source.js";
import { createSession, type Session, type TrainDevice } from "../runtime/session.js";
import { SessionCache } from "../runtime/session-cache.js";

/** The options of a {@link PassThroughNetwork}. */
interface PassThroughOptions extends ParsingOptions {
  readonly classAxis?: number;
  readonly device?: TrainDevice;
  readonly threads?: number;
  /** The most image shapes whose conversions are kept. */
  readonly shapes: number;
  /** Whether the channels are sigmoid heads. */
  readonly heads: boolean;
}

/** The result that is asked for. */
type Kind = "probabilities" | "logits";

/**
 * A file that no graph can be made of: the runtime runs it as it is, and small graphs bring images into its
 * form and outputs out of it. Calls must follow one another.
 */
export class PassThroughNetwork {
  readonly #file: OnnxFile;
  readonly #ends: PassThrough;
  readonly #options: PassThroughOptions;
  /** The file itself, once for each kind of result. */
  readonly #files = new SessionCache({});
  readonly #conversions: SessionCache;

  constructor(file: OnnxFile, ends: PassThrough, options: PassThroughOptions) {
    const { dataFiles } = inspectModel(file);
    if (dataFiles.length > 0)
      throw new InvalidArgumentError(
        "model",
        `model: has ${ends.reason}, and weights in other files (${dataFiles.join(", ")}); store it as one file`,
      );
    this.#file = file;
    this.#ends = ends;
    this.#options = options;
    this.#conversions = new SessionCache({ count: 2 * options.shapes });
  }

  /** Returns probabilities or logits [N, channels, ...spatial] of images [N, C, ...spatial]. */
  async run(kind: Kind, images: Tensor<"float32">, into?: Tensor<"float32">): Promise<Tensor<"float32">> {
    const { image } = this.#ends;
    const [count = 1] = images.dims;
    const own = typeof image.dims?.[0] === "number" ? image.dims[0] : count;
    if (count % own !== 0)
      throw new InvalidArgumentError(
        "image",
        `image: the file takes batches of ${own} images; expected a multiple of ${own}, got ${count}`,
      );
    if (own === count) return this.#batch(kind, images, into);
    const results: Tensor<"float32">[] = [];
    const size = (images.data.length / count) * own;
    for (let at = 0; at < images.data.length; at += size) {
      const part = tensor("float32", images.data.slice(at, at + size), images.dims.with(0, own));
      results.push(await this.#batch(kind, part));
    }
    const data = new Float32Array(results.reduce((sum, result) => sum + result.data.length, 0));
    results.forEach((result, i) => void data.set(result.data, i * result.data.length));
    return tensor("float32", data, results[0]!.dims.with(0, count));
  }

  /** Frees all sessions. */
  async close(): Promise<void> {
    await this.#files.close();
    await this.#conversions.close();
  }

  async #batch(kind: Kind, images: Tensor<"float32">, into?: Tensor<"float32">): Promise<Tensor<"float32">> {
    const { image, output, activation, logits } = this.#ends;
    const name = kind === "logits" && activation !== "none" ? logits : output.name;
    if (name === undefined)
      throw new InvalidArgumentError("outputs", `outputs: the logits of ${output.name} are of 8 bits`);
    const file = await this.#files.open(name, () => this.#fileSession(name));
    const dims = networkDims(images.dims, image, this.#options);
    const taken = imageDims(dims, this.#options.channelAxis);
    const given = await this.#converted(`image ${images.dims}`, images, (value) =>
      this.#imageOf(value, dims),
    );
    const results = await file
      .run({ [image.name]: given, ...this.#furtherInputs(taken) }, { outputs: [name] })
      .catch((cause: unknown) => {
        const message = cause instanceof Error ? cause.message : String(cause);
        throw new InvalidArgumentError(
          "image",
          `image: the model cannot take [${taken.join(", ")}]: ${message}`,
          {
            cause,
          },
        );
      });
    const result = results[name]!;
    const size = images.dims.slice(2);
    const key = `${kind} ${result.dims} to ${size}`;
    const made = await this.#converted(key, result, (value) => this.#resultOf(kind, value, size), into);
    return made as Tensor<"float32">;
  }

  #fileSession(name: string): Promise<Session> {
    const { device, threads } = this.#options;
    const isOutput = inspectModel(this.#file).outputs.some((output) => output.name === name);
    const bytes = isOutput
      ? this.#file.bytes
      : Buffer.concat(withOutput(this.#file, name, onnxTypes[this.#ends.output.type as "float32"]));
    return createSession(bytes, { device, threads });
  }

  /** Runs a graph of one operand on the CPU, made once for each key. */
  async #converted(
    key: string,
    given: Tensor,
    build: (value: Value) => Value,
    into?: Tensor<"float32">,
  ): Promise<Tensor> {
    const session = await this.#conversions.open(key, () => {
      const graph = new Graph("conversion");
      graph.output("result", build(graph.input("given", given.type, given.dims)));
      return createSession(lower(graph), { threads: this.#options.threads });
    });
    const results = await session.run({ given }, into === undefined ? {} : { into: { result: into } });
    return results.result!;
  }

  /** Brings canonical images [N, C, ...spatial] into the form of the file. */
  #imageOf(images: Value, dims: readonly number[]): Value {
    const { channelAxis = 1 } = this.#options;
    const repeated = sameDims(images.dims, dims) ? images : ops.Expand(images, dims);
    const axis = axisOf("channelAxis", channelAxis, dims.length);
    const moved = axis === 1 ? repeated : ops.Transpose(repeated, movedAxes(dims.length, axis));
    return this.#ends.image.type === "float16" ? ops.Cast(moved, "float16") : moved;
  }

  /** Makes probabilities or logits [N, channels, ...spatial] of the image's size of the file's output. */
  #resultOf(kind: Kind, output: Value, size: readonly number[]): Value {
    const { classAxis = 1, heads } = this.#options;
    const rank = size.length + 2;
    if (output.dims.length !== rank) {
      const got = `${this.#ends.output.name} [${output.dims.join(", ")}]`;
      throw new InvalidArgumentError(
        "outputs",
        `outputs: expected ${rank} axes, [N, classes, ...spatial], got ${got}`,
      );
    }
    const axis = axisOf("classAxis", classAxis, rank);
    const floats = output.type === "float32" ? output : ops.Cast(output, "float32");
    const first = axis === 1 ? floats : ops.Transpose(floats, canonicalAxes(rank, axis));
    const whole = sameDims(first.dims.slice(2), size)
      ? first
      : ops.Resize(first, { sizes: [...first.dims.slice(0, 2), ...size], mode: "linear" });
    const single = whole.dims[1] === 1 && !heads;
    const { activation, rounded } = this.#ends;
    if (kind === "logits") return single ? twoClasses(whole) : ops.Identity(whole);
    if (activation === "none")
      return heads ? ops.Sigmoid(whole) : ops.Softmax(single ? twoClasses(whole) : whole, 1);
    if (activation === "log-softmax") return ops.Softmax(whole, 1);
    if (activation === "sigmoid")
      return single ? ops.Concat([ops.Sub(1, whole), whole], 1) : ops.Identity(whole);
    return rounded ? ops.Div(whole, ops.ReduceSum(whole, [1])) : ops.Identity(whole);
  }

  #furtherInputs(taken: readonly number[]): Record<string, Tensor> {
    const declared = inspectModel(this.#file).inputs;
    const tensors = furtherTensors(declared, this.#options.inputs, taken);
    const stored = (name: string): string => declared.find((input) => input.name === name)!.type;
    return Object.fromEntries(
      Object.entries(tensors).map(([name, given]) => [
        name,
        stored(name) === "float16" ? fromNumbers("float16", toNumbers(given), given.dims) : given,
      ]),
    );
  }
}
