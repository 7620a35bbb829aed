import native from "@pixelcal/native";
import { invalidArgument } from "./errors.js";

/** The place a kernel runs in. (onnxruntime's word for the place is provider.) */
export type Device = "cpu" | "cuda";

/** The option of everything that runs asynchronously. */
export interface SignalOption {
  /**
   * The signal that aborts the call, which then rejects with the signal's reason: at once while the call
   * waits, else at the next chunk of its work. Arrays given for results may then hold parts of them. Updates
   * in place run to their end once they have begun. A `...Sync` twin looks at the signal only at its start.
   */
  readonly signal?: AbortSignal;
}

/** The options that every kernel has. */
export interface DeviceOption extends SignalOption {
  /**
   * The device to run on; default "cpu". A device that is not in `devices()` is an error, never a silent
   * fallback.
   */
  readonly device?: Device;
}

/** The option of kernels whose result may feed another kernel. */
export interface KeepOption {
  /** Whether the result stays on the device as a `DeviceTensor`. Not with `out`, nor on the CPU. */
  readonly keep?: boolean;
}

/** Returns the devices that kernels can run on here, "cpu" first. */
export function devices(): readonly Device[] {
  return native.devices();
}

/** The addon that runs the kernels, and what it found. */
export interface KernelEnvironment {
  /** The version of the addon. */
  readonly version: string;
  /** The place the addon was loaded from: a prebuilt package's name, or a file. */
  readonly origin: string;
  /** The instruction set of the CPU kernels: the best of this processor, or the one of `PIXELCAL_ISA`. */
  readonly instructionSet: "baseline" | "avx2" | "avx512";
  /** The reason why "cuda" is not in `devices()`; absent if it is. */
  readonly cudaProblem?: string;
}

/** Returns what the addon found when it was loaded. */
export function kernelEnvironment(): KernelEnvironment {
  const { version, origin } = native;
  return { version, origin, ...native.environment() };
}

/** Throws unless kernels can run on `device`. */
export function checkDevice(device: Device | undefined): void {
  if (device !== undefined && device !== "cpu" && !devices().includes(device)) {
    throw invalidArgument("device", `one of ${devices().join(", ")}`, device);
  }
}

/** Throws unless `signal` is absent or an AbortSignal; throws its reason if it is aborted. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return;
  // Signals of other realms and of polyfills count too.
  const known = typeof signal === "object" && signal !== null && typeof signal.aborted === "boolean";
  if (!known || typeof signal.addEventListener !== "function")
    throw invalidArgument("signal", "an AbortSignal", signal);
  signal.throwIfAborted();
}

/** Throws unless a kernel can run with these options. */
export function checkCall({ device, signal }: DeviceOption): void {
  checkDevice(device);
  checkSignal(signal);
}

/** Returns the number of threads one kernel call may use; one pool serves the whole process. */
export function threadCount(): number {
  return native.threadCount();
}

/** Sets the number of threads of every later kernel call; results do not depend on it. */
export function setThreadCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw invalidArgument("count", "an integer from 1 to 1024", count);
  }
  native.setThreadCount(count);
}
