import { call, callSync, native } from "../binding.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkSignal, type SignalOption } from "../device.js";
import { InvalidArgumentError, invalidArgument } from "../errors.js";
import { arrayTypes, type DataType, type Tensor, tensor } from "../tensor.js";

// Views of Node 20 end at 4 GiB.
const piece = 2 ** 30;
// A native call costs more than the copy of fewer bytes.
const small = 2 ** 16;

const names = optionNames<SignalOption>({ signal: true });

/**
 * Returns a copy of a tensor whose data fills an ordinary ArrayBuffer of its own, which `postMessage` and
 * `structuredClone` can transfer on every Node version. Large results of kernels lie in memory of the addon
 * and are copied or refused there, by version.
 */
export async function detach<T extends DataType>(
  source: Tensor<T>,
  options: SignalOption = {},
): Promise<Tensor<T>> {
  checkOptions("options", options, names);
  checkSignal(options.signal);
  const { copy, pieces } = detachPlan(source);
  for (const request of pieces) await call(native.copyBytes, request, options.signal);
  return copy;
}

/** Runs {@link detach} on the calling thread. */
export function detachSync<T extends DataType>(source: Tensor<T>): Tensor<T> {
  const { copy, pieces } = detachPlan(source);
  for (const request of pieces) callSync(() => native.copyBytesSync(request));
  return copy;
}

function detachPlan<T extends DataType>(
  source: Tensor<T>,
): { readonly copy: Tensor<T>; readonly pieces: readonly Parameters<typeof native.copyBytes>[0][] } {
  if (typeof source !== "object" || source === null) throw invalidArgument("source", "a tensor", source);
  const { type, dims, data } = tensor<DataType>(source.type, source.data, source.dims);
  const Elements = arrayTypes[type];
  try {
    if (data.byteLength < small)
      return { copy: { type, dims, data: new Elements(data as never) } as never, pieces: [] };
    const into = new ArrayBuffer(data.byteLength);
    const views = (buffer: ArrayBufferLike, offset: number): Uint8Array[] =>
      Array.from({ length: Math.ceil(data.byteLength / piece) }, (_, i) => {
        const at = i * piece;
        return new Uint8Array(buffer, offset + at, Math.min(piece, data.byteLength - at));
      });
    const outs = views(into, 0);
    const pieces = views(data.buffer, data.byteOffset).map((from, i) => ({ source: from, out: outs[i]! }));
    return { copy: { type, dims, data: new Elements(into) } as never, pieces };
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    const message = `source: expected a tensor whose copy fits memory, got ${data.byteLength} bytes`;
    throw new InvalidArgumentError("source", message, { cause });
  }
}
