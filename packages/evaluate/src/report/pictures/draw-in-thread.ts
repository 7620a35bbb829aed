import { existsSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import type { CaseArrays } from "./case-layers.js";
import { drawCase } from "./draw-case.js";
import type { CasePictures } from "./pictures.js";

/** The bytes that are copied in one turn of the event loop, about a millisecond's. */
const sliceBytes = 2 ** 21;

/**
 * Draws the pictures of a case in a thread of its own, which gets a copy of the arrays in shared memory. In a
 * bundle, where the thread's program is not beside this module, the calling thread draws.
 */
export async function drawInThread(arrays: CaseArrays, signal?: AbortSignal): Promise<CasePictures> {
  signal?.throwIfAborted();
  const program = drawingProgram();
  if (program === undefined) return drawCase(arrays);
  const { labels, runs, image } = arrays;
  const shared: CaseArrays = {
    ...arrays,
    labels: await sharedCopy(labels),
    runs: await Promise.all(runs.map(sharedCopy)),
    ...(image && { image: await sharedCopy(image) }),
  };
  signal?.throwIfAborted();
  const worker = new Worker(program, { workerData: shared });
  let stop: (() => void) | undefined;
  try {
    return await new Promise<CasePictures>((resolve, reject) => {
      stop = () => reject(signal?.reason);
      signal?.addEventListener("abort", stop);
      worker.once("message", resolve).once("error", reject);
    });
  } finally {
    if (stop) signal?.removeEventListener("abort", stop);
    await worker.terminate();
  }
}

/** Returns where the thread's program is; undefined if this module was moved. */
function drawingProgram(): string | undefined {
  const { url } = import.meta as Partial<ImportMeta>;
  // Node does not run the sources: tests start the built program.
  const program = url && fileURLToPath(new URL("../../../dist/report/pictures/drawing-thread.js", url));
  return program !== undefined && existsSync(program) ? program : undefined;
}

/** Returns a tensor whose data lie in shared memory, copied in slices that let others have the event loop. */
async function sharedCopy<
  T extends { readonly data: CaseArrays["labels"]["data"] | Uint16Array | Float32Array },
>(tensor: T): Promise<T> {
  const { data } = tensor;
  const from = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  const to = new Uint8Array(new SharedArrayBuffer(data.byteLength));
  for (let at = 0; at < from.length; at += sliceBytes) {
    to.set(from.subarray(at, at + sliceBytes), at);
    if (at + sliceBytes < from.length) await setImmediate();
  }
  const View = data.constructor as new (buffer: SharedArrayBuffer) => T["data"];
  return { ...tensor, data: new View(to.buffer) };
}
