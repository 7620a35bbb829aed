import { InvalidArgumentError, type Tensor } from "@pixelcal/core";

/** What the runtime gives for an array that it keeps in the memory of a device. */
export interface OrtGpuTensor {
  readonly dims: readonly number[];
  dispose(): void;
}

const open = new Set<GpuTensor>();

/**
 * An array that stays on a device: sessions of that device take it like any tensor, its numbers are not here. Nothing
 * frees it but `dispose`, so whoever gets one from a session disposes of it.
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

  /** The runtime's own, for the session that is fed with it. */
  get array(): OrtGpuTensor {
    if (this.#array === undefined)
      throw new Error(`an array of [${this.dims}] on ${this.device} was disposed`);
    return this.#array;
  }

  /** Frees the memory. A second time does nothing. */
  dispose(): void {
    this.#array?.dispose();
    this.#array = undefined;
    open.delete(this);
  }
}

/** How many arrays lie on devices now: none once every trainer is closed. */
export const gpuTensorCount = (): number => open.size;

/** Disposes of every GPU tensor among these tensors. */
export function disposeAll(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) if (tensor instanceof GpuTensor) tensor.dispose();
}
