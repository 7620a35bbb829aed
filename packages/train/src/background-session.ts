import { Worker } from "node:worker_threads";
import type { Tensor } from "@pixelcal/core";
import type { RunOptions, Session, Tensors, TrainDevice, ValueInfo } from "./session.js";
import { checkRun } from "./session-values.js";

/** What the thread needs: the runtime's main file, the model and the options, as onnxruntime takes them. */
export interface BackgroundModel {
  readonly runtime: string;
  readonly bytes: Uint8Array;
  readonly options: unknown;
}

interface Request {
  readonly id: number;
  readonly feeds: Tensors;
  readonly outputs: readonly string[];
}

type Reply = { readonly id: number } & (
  | { readonly tensors: Record<string, Tensor> }
  | { readonly error: string }
);

interface Waiting {
  resolve(tensors: Record<string, Tensor>): void;
  reject(error: Error): void;
}

/** Loads a model on a thread of its own. Rejects with the runtime's error when it does not load. */
export async function openInBackground(model: BackgroundModel, device: TrainDevice): Promise<Session> {
  const code = `(${serve})(require)`;
  const worker = new Worker(code, { eval: true, workerData: model });
  const ends = await new Promise<{ inputs: ValueInfo[]; outputs: ValueInfo[] }>((resolve, reject) => {
    worker.once("error", reject);
    worker.once("message", resolve);
  });
  return new BackgroundSession(worker, device, ends);
}

class BackgroundSession implements Session {
  readonly device: TrainDevice;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  #last = 0;
  #closed = false;

  constructor(worker: Worker, device: TrainDevice, ends: Pick<Session, "inputs" | "outputs">) {
    this.device = device;
    this.inputs = ends.inputs;
    this.outputs = ends.outputs;
    this.#worker = worker;
    worker.removeAllListeners("error");
    worker.on("message", (reply: Reply) => this.#settle(reply));
    worker.on("error", (error) => this.#fail(error));
    worker.on("exit", () => this.#fail(new Error("session: its thread has ended")));
    // An idle session does not keep the process alive.
    worker.unref();
  }

  async run(feeds: Tensors, options: RunOptions = {}): Promise<Record<string, Tensor>> {
    if (this.#closed) throw new Error("session: closed");
    const outputs = checkRun(this, feeds, options).map(({ name }) => name);
    const id = ++this.#last;
    const request: Request = { id, feeds: detachable(feeds), outputs };
    const reply = new Promise<Record<string, Tensor>>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
    });
    this.#worker.ref();
    this.#worker.postMessage(request, buffersOf(request.feeds));
    const tensors = await reply;
    for (const [name, target] of Object.entries(options.into ?? {})) {
      if (!(name in tensors)) continue;
      (target.data as Float32Array).set(tensors[name]!.data as Float32Array);
      tensors[name] = target;
    }
    return tensors;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    // Never terminated from here: that aborts the process when a run is under way.
    const ended = new Promise((resolve) => this.#worker.once("exit", resolve));
    this.#worker.ref();
    this.#worker.postMessage(undefined);
    await ended;
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0 && !this.#closed) this.#worker.unref();
    if ("error" in reply) waiting?.reject(new Error(reply.error));
    else waiting?.resolve(reply.tensors);
  }

  #fail(error: Error): void {
    this.#closed = true;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

/** Copies whose buffers hold the tensor and nothing else, to be moved to the other thread. */
function detachable(tensors: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(tensors).map(([name, { type, dims, data }]) => [
      name,
      { type, dims, data: data.slice() } as Tensor,
    ]),
  );
}

const buffersOf = (tensors: Tensors): ArrayBuffer[] =>
  Object.values(tensors).map(({ data }) => data.buffer as ArrayBuffer);

/** The thread's whole program. It is carried over as text, so it must not refer to anything outside of itself. */
async function serve(require: NodeJS.Require): Promise<void> {
  const { parentPort, workerData } = require("node:worker_threads") as typeof import("node:worker_threads");
  const ort = require(workerData.runtime) as typeof import("onnxruntime-node");
  const session = await ort.InferenceSession.create(workerData.bytes, workerData.options);
  const answer = async (request: Request | undefined): Promise<void> => {
    if (request === undefined) {
      await session.release();
      parentPort!.close();
      return;
    }
    const { id, feeds, outputs } = request;
    try {
      const given = Object.entries(feeds).map(([name, { type, dims, data }]) => [
        name,
        new ort.Tensor(type as "float32", data as Float32Array, dims),
      ]);
      const results = await session.run(Object.fromEntries(given), outputs);
      const tensors = outputs.map((name) => {
        const { type, dims, data } = results[name]!;
        return [name, { type, dims, data: data.slice() }] as const;
      });
      const buffers = tensors.map(([, { data }]) => (data as Float32Array).buffer as ArrayBuffer);
      parentPort!.postMessage({ id, tensors: Object.fromEntries(tensors) }, buffers);
    } catch (error) {
      parentPort!.postMessage({ id, error: error instanceof Error ? error.message : String(error) });
    }
  };
  // In the order they came, so that closing waits for the runs asked for before.
  let turn = Promise.resolve();
  parentPort!.on("message", (request: Request | undefined) => {
    turn = turn.then(() => answer(request));
  });
  const ends = (values: typeof session.inputMetadata): unknown =>
    values.map((value) => ({
      name: value.name,
      ...(value.isTensor ? { type: value.type, dims: value.shape } : {}),
    }));
  parentPort!.postMessage({ inputs: ends(session.inputMetadata), outputs: ends(session.outputMetadata) });
}
