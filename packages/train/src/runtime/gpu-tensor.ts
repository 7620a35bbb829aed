import { InvalidArgumentError, type Tensor } from "@pixelcal/core";
import { SessionError } from "./session-error.js";

/** The runtime's tensor for an array in a device's memory. */
export interface OrtGpuTensor {
  readonly dims: readonly number[];
  dispose(): void;
}

const open = new Set<GpuTensor>();

/**
 * A session's output that stays in onnxruntime's memory on a device, which sessions of that device take like
 * any tensor. Only `dispose` frees it. Unrelated to core's `DeviceTensor`, which belongs to the native
 * kernels.
 */
export class GpuTensor implements Tensor<"float32"> {
  readonly type = "float32";
  readonly dims: readonly number[];
  readonly device: string;
  #array: OrtGpuTensor | undefined;

  constructor(array: OrtGpuTensor, device: string) {
    this.dims = array.dims;
    this.device = device;
    this.#array = array;
    open.add(this);
  }

  get data(): Float32Array {
    const message = `data: this tensor of [${this.dims}] is on ${this.device}; read it with a session`;
    throw new InvalidArgumentError("data", message);
  }

  /** The runtime's tensor, for the session that takes it. */
  get array(): OrtGpuTensor {
    if (this.#array === undefined)
      throw new SessionError(`an array of [${this.dims}] on ${this.device} was disposed`);
    return this.#array;
  }

  /** Frees the memory. A second time does nothing. */
  dispose(): void {
    this.#array?.dispose();
    this.#array = undefined;
    open.delete(this);
  }
}

/** Returns the number of tensors on devices; 0 once every trainer is closed. */
export const gpuTensorCount = (): number => open.size;

/** Disposes of every GPU tensor among these tensors. */
export function disposeAll(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) if (tensor instanceof GpuTensor) tensor.dispose();
}
