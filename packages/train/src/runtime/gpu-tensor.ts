import { InvalidArgumentError, type Tensor } from "@pixelcal/core";

/** What the runtime gives for an array that it keeps in the memory of a device. */
export interface DeviceArray {
  readonly dims: readonly number[];
  dispose(): void;
}

const open = new Set<DeviceTensor>();

/**
 * An array that stays on a device: sessions of that device take it like any tensor, its numbers are not here. Nothing
 * frees it but `close`, so whoever gets one from a session closes it.
 */
export class DeviceTensor implements Tensor<"float32"> {
  readonly type = "float32";
  readonly dims: readonly number[];
  readonly device: string;
  #array: DeviceArray | undefined;

  constructor(array: DeviceArray, device: string) {
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
  get array(): DeviceArray {
    if (this.#array === undefined) throw new Error(`an array of [${this.dims}] on ${this.device} is closed`);
    return this.#array;
  }

  /** Frees the memory. Closing twice is harmless. */
  close(): void {
    this.#array?.dispose();
    this.#array = undefined;
    open.delete(this);
  }
}

/** How many arrays lie on devices now: none when every trainer is closed. */
export const deviceTensorCount = (): number => open.size;

/** Closes all of them. */
export function closeAll(tensors: Iterable<Tensor>): void {
  for (const tensor of tensors) if (tensor instanceof DeviceTensor) tensor.close();
}
