import native from "@pixelcal/native";
import { invalidArgument } from "./errors.js";

/** Where a kernel runs; what onnxruntime calls the place is a provider. */
export type Device = "cpu" | "cuda";

/** Every kernel's options have this. */
export interface DeviceOption {
  /** Default "cpu"; a device that is not in `devices()` is an error, never a silent fallback. */
  readonly device?: Device;
}

/** Of kernels whose result may feed another one. */
export interface KeepOption {
  /** The result stays on the device as a `DeviceTensor`; not with `out`, nor on the CPU. */
  readonly keep?: boolean;
}

/** The devices kernels can run on here, "cpu" first. */
export function devices(): readonly Device[] {
  return native.devices();
}

/** Throws unless kernels can run on `device`. */
export function checkDevice(device: Device | undefined): void {
  if (device !== undefined && device !== "cpu" && !devices().includes(device)) {
    throw invalidArgument("device", `one of ${devices().join(", ")}`, device);
  }
}

/** Threads one kernel call may use; one pool serves the whole process. */
export function threadCount(): number {
  return native.threadCount();
}

/** Sets the threads of every later kernel call; results do not depend on it. */
export function setThreadCount(count: number): void {
  if (!Number.isInteger(count) || count < 1 || count > 1024) {
    throw invalidArgument("count", "an integer from 1 to 1024", count);
  }
  native.setThreadCount(count);
}
