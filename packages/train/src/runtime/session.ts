import type { DataType, Tensor } from "@pixelcal/core";
import {
  checkOptions,
  float16Bits,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
} from "@pixelcal/core";
import { Graph, serializeModel } from "@pixelcal/graph";
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { GpuTensor, type OrtGpuTensor } from "./gpu-tensor.js";
import { SessionError } from "./session-error.js";
import { checkRun, type RunOptions, type Tensors, type ValueInfo } from "./session-values.js";

/** A device to run on; onnxruntime calls its counterpart a provider. */
export type TrainDevice = "cpu" | "webgpu" | "cuda";

export const trainDevices: readonly TrainDevice[] = ["cpu", "webgpu", "cuda"];

/** More than any machine has; onnxruntime would start every one. */
const mostThreads = 1024;

export interface SessionOptions {
  readonly device?: TrainDevice;
  /** Processor threads inside one operator; all by default. Results depend on it in the last bits. */
  readonly threads?: number;
  /** The rewrites that onnxruntime may apply; "all" by default. */
  readonly optimization?: "disabled" | "basic" | "extended" | "all";
  /** Writes a profile of every operator to files that begin with this path. */
  readonly profile?: string;
  /** Outputs that a run leaves on the device, as `GpuTensor`s to feed or to dispose of; webgpu only. */
  readonly keep?: readonly string[];
}

const sessionNames = optionNames<SessionOptions>({
  device: true,
  threads: true,
  optimization: true,
  profile: true,
  keep: true,
});

const runNames = optionNames<RunOptions>({ outputs: true, into: true });

/** A model loaded on a device. */
export interface Session extends AsyncDisposable {
  readonly device: TrainDevice;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  /** Runs once and returns the outputs by name. Throws `InvalidArgumentError` for feeds that do not fit. */
  run(feeds: Tensors, options?: RunOptions): Promise<Record<string, Tensor>>;
  /** Frees the model's memory and threads. Closing twice is harmless. */
  close(): Promise<void>;
}

/** The chosen device cannot run the model here; the message says why and what to do. */
export class DeviceError extends Error {
  readonly code = "ERR_PIXELCAL_DEVICE";
  readonly device: string;
  constructor(device: string, message: string) {
    super(`device ${device}: ${message}`);
    this.name = "DeviceError";
    this.device = device;
  }
}

type Runtime = typeof import("onnxruntime-node");

let loading: Promise<Runtime> | undefined;

// Imported by the first session, not with this module: reading checkpoints needs no runtime.
const runtime = (): Promise<Runtime> => (loading ??= load());

async function load(): Promise<Runtime> {
  try {
    const ort = await import("onnxruntime-node");
    // Errors are thrown; by default the runtime also writes them to stderr.
    ort.env.logLevel = "fatal";
    return ort;
  } catch (cause) {
    loading = undefined;
    const missing = reason(cause).includes("'onnxruntime-node'");
    const problem = missing ? "is not installed" : `does not load (${reason(cause)})`;
    throw new DeviceError("cpu", `onnxruntime-node ${problem}; ${installation}`);
  }
}

// Its script downloads CUDA libraries on Linux, and fails the whole installation where it cannot.
const installation =
  "npm install --ignore-scripts onnxruntime-node@1.30.0, or for CUDA ONNXRUNTIME_NODE_INSTALL=cuda12 npm install onnxruntime-node@1.30.0";

/** Returns the version of onnxruntime, which checkpoints record. */
export async function runtimeVersion(): Promise<string> {
  return (await runtime()).env.versions.node ?? "unknown";
}

/**
 * Loads a graph or the bytes of an ONNX file on a device. Throws `DeviceError` when the device cannot run it.
 */
export async function createSession(
  model: Graph | Uint8Array,
  options: SessionOptions = {},
): Promise<Session> {
  checkOptions("options", options, sessionNames);
  const device = options.device ?? "cpu";
  if (!trainDevices.includes(device)) throw invalidArgument("device", trainDevices.join(", "), device);
  const { threads } = options;
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= mostThreads)) {
    throw invalidArgument("threads", `an integer of 1 to ${mostThreads}`, threads);
  }
  const { keep = [] } = options;
  if (keep.length > 0 && device !== "webgpu") {
    throw new InvalidArgumentError(
      "keep",
      `keep: only supported on webgpu, got ${keep.join(", ")} on ${device}`,
    );
  }
  const ort = await runtime();
  if (!ort.listSupportedBackends().some((backend) => backend.name === device)) {
    throw new DeviceError(device, "this build of onnxruntime-node does not have it");
  }
  const bytes = model instanceof Graph ? serializeModel(model) : model;
  let loaded: InferenceSession;
  try {
    loaded = await ort.InferenceSession.create(bytes, providerOptions(options));
  } catch (cause) {
    if (device === "cpu") throw new SessionError(`the model does not load: ${reason(cause)}`, { cause });
    throw new DeviceError(device, `${reason(cause)}. ${advice[device]}`);
  }
  const session = new OrtSession(ort, loaded, device, new Set(keep));
  // The runtime keeps values by name in ordinary objects.
  const inherited = [...session.inputs, ...session.outputs].find(({ name }) => name in Object.prototype);
  if (inherited === undefined) return session;
  await session.close();
  const expected = "inputs, outputs and weights of names that JavaScript objects do not inherit; rename it";
  throw invalidArgument("model", expected, inherited.name);
}

const advice: Readonly<Record<Exclude<TrainDevice, "cpu">, string>> = {
  cuda: "It needs an NVIDIA GPU, CUDA 12 with cuDNN 9 and onnxruntime's CUDA libraries, which its install script downloads when allowed; or use --device cpu",
  webgpu:
    "It needs a GPU with a Vulkan, Metal or Direct3D 12 driver, and every operator must run there; or use --device cpu",
};

function providerOptions(options: SessionOptions): InferenceSession.SessionOptions {
  const device = options.device ?? "cpu";
  return {
    executionProviders: [device],
    ...(options.threads === undefined ? {} : { intraOpNumThreads: options.threads }),
    interOpNumThreads: 1,
    executionMode: "sequential",
    // On the CPU, one planned block of memory saves no time and takes a third more memory in a step.
    enableMemPattern: device !== "cpu",
    graphOptimizationLevel: options.optimization ?? "all",
    logSeverityLevel: 4,
    ...(options.keep === undefined
      ? {}
      : { preferredOutputLocation: Object.fromEntries(options.keep.map((name) => [name, "gpu-buffer"])) }),
    ...(options.profile === undefined ? {} : { enableProfiling: true, profileFilePrefix: options.profile }),
    extra: {
      session: {
        // Spinning threads would take the processors from the kernels that prepare the next targets.
        intra_op: { allow_spinning: "0" },
        // An operator that the GPU lacks is an error; it never runs silently on the CPU.
        ...(device === "cpu" ? {} : { disable_cpu_ep_fallback: "1" }),
      },
    },
  };
}

class OrtSession implements Session {
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly device: TrainDevice;
  readonly #ort: Runtime;
  readonly #keep: ReadonlySet<string>;
  #session: InferenceSession | undefined;

  constructor(ort: Runtime, session: InferenceSession, device: TrainDevice, keep: ReadonlySet<string>) {
    this.#ort = ort;
    this.#session = session;
    this.#keep = keep;
    this.device = device;
    this.inputs = session.inputMetadata.map(valueInfo);
    this.outputs = session.outputMetadata.map(valueInfo);
  }

  async run(feeds: Tensors, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    checkOptions("options", options, runNames);
    if (this.#session === undefined) throw new SessionError("session: closed");
    const outputs = checkRun(this, feeds, options);
    // onnxruntime 1.30 matches output locations by order in the model, even if only some are requested.
    if (this.#keep.size > 0 && outputs.length < this.outputs.length) {
      throw invalidArgument(
        "outputs",
        "all where some stay on the device",
        outputs.map(({ name }) => name).join(", "),
      );
    }
    const into = new Map(Object.entries(options.into ?? {}));
    const given = Object.fromEntries(this.inputs.map(({ name }) => [name, this.#wrapped(feeds[name]!)]));
    const target = (name: string): OrtTensor | null => {
      const tensor = into.get(name);
      return tensor === undefined ? null : this.#wrapped(tensor);
    };
    const wanted = Object.fromEntries(outputs.map(({ name }) => [name, target(name)]));
    const results = await this.#session.run(given, wanted);
    const tensors: Record<string, Tensor> = Object.create(null);
    for (const { name, type } of outputs) {
      const result = results[name]!;
      if (this.#keep.has(name)) tensors[name] = this.#kept(name, result);
      else tensors[name] = into.get(name) ?? ({ type, dims: result.dims, data: dataOf(result) } as Tensor);
    }
    return tensors;
  }

  #wrapped(tensor: Tensor): OrtTensor {
    if (tensor instanceof GpuTensor) return tensor.array as OrtTensor;
    const { type, data, dims } = tensor;
    if (type !== "float16") return new this.#ort.Tensor(type as "float32", data as Float32Array, dims);
    const bits = float16Bits(data as Uint16Array);
    const wrapped = new this.#ort.Tensor("float16", bits, dims);
    // On Node 24 onnxruntime 1.30 turns the bits into a Float16Array, which its own addon cannot read.
    if (wrapped.data !== bits) Object.defineProperty(wrapped, "data", { value: bits });
    return wrapped;
  }

  #kept(name: string, result: OrtTensor): GpuTensor {
    // Memory bound elsewhere would be copied at every step, without an error.
    if (result.location !== "gpu-buffer")
      throw new SessionError(`${name}: expected on ${this.device}, got ${result.location}`);
    return new GpuTensor(result as OrtGpuTensor, this.device);
  }

  async close(): Promise<void> {
    const session = this.#session;
    this.#session = undefined;
    await session?.release();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Returns a result's data; for float16 its bits, also if the runtime returns a Float16Array (Node 24). */
const dataOf = ({ type, data }: OrtTensor): Tensor["data"] =>
  type === "float16" ? float16Bits(data as Uint16Array) : (data as Tensor["data"]);

function valueInfo(value: InferenceSession.ValueMetadata): ValueInfo {
  if (!value.isTensor) throw new SessionError(`the model does not load: ${value.name} is not a tensor`);
  return { name: value.name, type: value.type as DataType, dims: value.shape };
}

/** Returns the runtime's message without the place in its sources. */
const reason = (cause: unknown): string =>
  (cause instanceof Error ? cause.message : String(cause))
    .replace(/^\/onnxruntime_src.*? was false\. /s, "")
    .trim();
