import { call, callSync, native } from "./binding.js";
import { checkDevice, type Device } from "./device.js";
import { InvalidArgumentError, invalidArgument } from "./errors.js";
import { type DataType, type Tensor, type TypedArrays, tensor } from "./tensor.js";

// Handles go to native code as the arrays they stand for: it takes either, so the types need not tell.
type Handle<T extends DataType> = TypedArrays[T];

/**
 * A tensor in a device's memory: what a kernel returns with `keep: true`, or `toDevice`. Every kernel with a `device`
 * option takes it in place of a tensor, on that device, without a copy. `dispose()` frees the memory now, after which it
 * is an error to use it; a call that is already running is not disturbed. Without it the garbage collector does, later.
 */
export class DeviceTensor<T extends DataType = DataType> implements Tensor<T> {
  readonly type: T;
  readonly dims: readonly number[];
  readonly device: Device = "cuda";
  #handle: Handle<T> | undefined;

  /** @internal */
  constructor(type: T, dims: readonly number[], handle: Handle<T>) {
    this.type = type;
    this.dims = dims;
    this.#handle = handle;
  }

  /** Throws: the data is on the device. `toTensor()` copies it here. */
  get data(): TypedArrays[T] {
    throw new InvalidArgumentError("data", `data: this tensor is on ${this.device}; call toTensor() first`);
  }

  get disposed(): boolean {
    return this.#handle === undefined;
  }

  /** Frees the device memory; a second time does nothing. */
  dispose(): void {
    if (this.#handle !== undefined) native.release(this.#handle);
    this.#handle = undefined;
  }

  /** A copy in this process. */
  async toTensor(): Promise<Tensor<T>> {
    const request = { array: this.handle("tensor"), device: this.device };
    return {
      type: this.type,
      dims: this.dims,
      data: (await call(() => native.download(request))) as Handle<T>,
    };
  }

  /** {@link toTensor} on the calling thread. */
  toTensorSync(): Tensor<T> {
    const request = { array: this.handle("tensor"), device: this.device };
    return {
      type: this.type,
      dims: this.dims,
      data: callSync(() => native.downloadSync(request)) as Handle<T>,
    };
  }

  /** @internal */
  handle(argument: string): Handle<T> {
    if (this.#handle === undefined)
      throw invalidArgument(argument, "a tensor that was not disposed", "one that was");
    return this.#handle;
  }
}

/** Copies `source` to the memory of `device`. */
export async function toDevice<T extends DataType>(
  source: Tensor<T>,
  device: Exclude<Device, "cpu">,
): Promise<DeviceTensor<T>> {
  if (device === undefined || (device as Device) === "cpu")
    throw invalidArgument("device", "a device, as cuda", device);
  checkDevice(device);
  if (typeof source !== "object" || source === null) throw invalidArgument("source", "a tensor", source);
  const { type, dims, data } = tensor<DataType>(source.type, source.data, source.dims) as Tensor<T>;
  const handle = (await call(() => native.upload({ array: data, device }))) as Handle<T>;
  return new DeviceTensor(type, dims, handle);
}

/** What native code reads a tensor by: its data, or its handle. */
export function arrayOf<T extends DataType>(tensor: Tensor<T>): TypedArrays[T];
export function arrayOf<T extends DataType>(tensor: Tensor<T> | undefined): TypedArrays[T] | undefined;
export function arrayOf<T extends DataType>(tensor: Tensor<T> | undefined): TypedArrays[T] | undefined {
  return tensor instanceof DeviceTensor ? tensor.handle("tensor") : tensor?.data;
}

/** The tensor of what a kernel returned: an array, or with `keep` a handle. */
export function resultTensor<T extends DataType>(
  type: T,
  dims: readonly number[],
  data: TypedArrays[T],
): Tensor<T> {
  return ArrayBuffer.isView(data) ? { type, dims, data } : new DeviceTensor(type, dims, data);
}
