import { call, callSync, native } from "./binding.js";
import { checkDevice, type Device } from "./device.js";
import { InvalidArgumentError, invalidArgument } from "./errors.js";
import { type DataType, type Tensor, type TensorOf, type TypedArrays, tensor } from "./tensor.js";

// Native code takes a handle wherever it takes an array, so handles are typed as the arrays they stand for.
type Handle<T extends DataType> = TypedArrays[T];

/**
 * A tensor in a device's memory, returned by `toDevice` and by kernels with `keep: true`. Every kernel with a
 * `device` option takes one in place of a tensor, on that device, without a copy. `dispose()` frees the
 * memory at once; using the tensor afterwards is an error, but calls already running finish. Without
 * `dispose()` the garbage collector frees the memory later.
 */
export class DeviceTensor<T extends DataType = DataType> implements TensorOf<T> {
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

  /** Always throws, because the data is on the device; `toTensor()` copies it to this process. */
  get data(): TypedArrays[T] {
    throw new InvalidArgumentError("data", `data: this tensor is on ${this.device}; call toTensor() first`);
  }

  get disposed(): boolean {
    return this.#handle === undefined;
  }

  /** Frees the device memory; a second call does nothing. */
  dispose(): void {
    if (this.#handle !== undefined) native.release(this.#handle);
    this.#handle = undefined;
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Returns a copy in this process. */
  async toTensor(): Promise<Tensor<T>> {
    const request = { array: this.handle("tensor"), device: this.device };
    return {
      type: this.type,
      dims: this.dims,
      data: (await call(native.download, request)) as Handle<T>,
    };
  }

  /** Runs {@link toTensor} on the calling thread. */
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
      throw new InvalidArgumentError(argument, `${argument}: this tensor was disposed`);
    return this.#handle;
  }
}

/** Copies `source` to the memory of `device`; throws when this process cannot use that device. */
export async function toDevice<T extends DataType>(
  source: Tensor<T>,
  device: Exclude<Device, "cpu">,
): Promise<DeviceTensor<T>> {
  if (device === undefined || (device as Device) === "cpu")
    throw invalidArgument("device", 'a device, for example "cuda"', device);
  checkDevice(device);
  if (typeof source !== "object" || source === null) throw invalidArgument("source", "a tensor", source);
  const { type, dims, data } = tensor<DataType>(source.type, source.data, source.dims) as Tensor<T>;
  const handle = (await call(native.upload, { array: data, device })) as Handle<T>;
  return new DeviceTensor(type, dims, handle);
}

/** Returns what native code reads a tensor by: its data or its device handle. */
export function arrayOf<T extends DataType>(tensor: Tensor<T>): TypedArrays[T];
export function arrayOf<T extends DataType>(tensor: Tensor<T> | undefined): TypedArrays[T] | undefined;
export function arrayOf<T extends DataType>(tensor: Tensor<T> | undefined): TypedArrays[T] | undefined {
  return tensor instanceof DeviceTensor ? tensor.handle("tensor") : tensor?.data;
}

/** Returns a kernel's result as a tensor: `result` is an array, or a device handle with `keep`. */
export function resultTensor<T extends DataType>(
  type: T,
  dims: readonly number[],
  data: TypedArrays[T],
): Tensor<T> {
  return ArrayBuffer.isView(data) ? { type, dims, data } : new DeviceTensor(type, dims, data);
}
