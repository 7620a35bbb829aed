import { DeviceError } from "./session.js";

/**
 * What `run` gives, or skips the test where there is no GPU with a driver. Mesa's lavapipe (23.2 or newer) and SwiftShader
 * count as one; they need XDG_RUNTIME_DIR and, outside of the usual folders, VK_DRIVER_FILES.
 */
export async function onWebgpu<T>(skip: (note: string) => void, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const absent = error instanceof DeviceError && error.message.includes("Failed to get a WebGPU adapter");
    if (absent) skip("no WebGPU adapter here");
    throw error;
  }
}
