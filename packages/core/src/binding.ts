import { channel } from "node:diagnostics_channel";
import native, { type CallControl } from "@pixelcal/native";
import { type InvalidArgumentCode, InvalidArgumentError } from "./errors.js";

// Nothing else knows the form of native errors: "argument: expected X, got Y" with one of these codes.
const codes: ReadonlyMap<unknown, InvalidArgumentCode> = new Map([
  ["INVALID_ARGUMENT", "ERR_PIXELCAL_INVALID_ARGUMENT"],
  ["RESULT_TOO_LARGE", "ERR_PIXELCAL_RESULT_TOO_LARGE"],
]);

// Failures that no argument caused come without a code, and are told apart from a getter's errors by these.
const failures = [
  [/^(out of memory$|cuda: out of device memory)/, "ERR_PIXELCAL_OUT_OF_MEMORY"],
  [/^cuda: .* failed: /, "ERR_PIXELCAL_CUDA"],
] as const;

function translated(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { message } = error;
  if (!("code" in error)) {
    const failure = failures.find(([form]) => form.test(message));
    return failure === undefined ? error : Object.assign(error, { code: failure[1] });
  }
  const code = codes.get(error.code);
  if (code === undefined) return error;
  return new InvalidArgumentError(message.split(":", 1)[0]!, message, { cause: error, code });
}

/** Returns the result of a native `...Sync` kernel; throws its rejected arguments as InvalidArgumentError. */
export function callSync<R>(kernel: () => R): R {
  try {
    return kernel();
  } catch (error) {
    throw translated(error);
  }
}

/** The message of the channel `pixelcal:call`, published when an asynchronous call has ended. */
export interface CallEvent {
  /** The native kernel, for example "signedDistance". */
  readonly name: string;
  /** The number of elements of all arrays that the call read or wrote. */
  readonly elements: number;
  /** The time the call waited and the time it ran, in milliseconds. */
  readonly queued: number;
  readonly running: number;
  readonly outcome: "done" | "failed" | "aborted";
}

const calls = channel("pixelcal:call");
let lastId = 0;

/**
 * Returns the result of a native kernel that runs off the JS thread; throws its rejected arguments as
 * InvalidArgumentError. A call whose signal is aborted is dropped if it waits, and ends between two chunks of
 * its work if it runs; it then throws the signal's reason.
 */
export async function call<Q, R>(
  kernel: (request: Q) => Promise<R>,
  request: Q,
  signal?: AbortSignal,
): Promise<R> {
  try {
    if (signal === undefined && !calls.hasSubscribers) return await kernel(request);
  } catch (error) {
    throw translated(error);
  }
  signal?.throwIfAborted();
  return watched(kernel as Watchable<Q, R>, request, signal);
}

type Watchable<Q, R> = (request: Q, control: CallControl) => Promise<R>;

async function watched<Q, R>(
  kernel: Watchable<Q, R>,
  request: Q,
  signal: AbortSignal | undefined,
): Promise<R> {
  const control = { id: ++lastId, queued: 0, running: 0, elements: 0 };
  if (signal) watch(signal, control.id);
  let outcome: CallEvent["outcome"] = "failed";
  try {
    const result = await kernel(request, control);
    outcome = "done";
    return result;
  } catch (error) {
    if (!signal?.aborted || !isCancelled(error)) throw translated(error);
    outcome = "aborted";
    throw signal.reason;
  } finally {
    if (signal) unwatch(signal, control.id);
    const { queued, running, elements } = control;
    if (calls.hasSubscribers)
      calls.publish({ name: kernel.name, elements, queued, running, outcome } satisfies CallEvent);
  }
}

// The pending calls of a signal, which share a listener: Node warns of more than ten.
const pending = new WeakMap<AbortSignal, Set<number>>();

function cancelPending(this: AbortSignal): void {
  for (const id of pending.get(this) ?? []) native.cancelCall(id);
}

function watch(signal: AbortSignal, id: number): void {
  const ids = pending.get(signal) ?? new Set();
  if (ids.size === 0) signal.addEventListener("abort", cancelPending, { once: true });
  pending.set(signal, ids.add(id));
}

function unwatch(signal: AbortSignal, id: number): void {
  const ids = pending.get(signal)!;
  ids.delete(id);
  if (ids.size === 0) signal.removeEventListener("abort", cancelPending);
}

function isCancelled(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "CANCELLED";
}

export { native };
