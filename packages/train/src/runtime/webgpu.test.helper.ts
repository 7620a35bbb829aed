import { Graph, ops } from "@pixelcal/graph";
import { createSession, DeviceError } from "./session.js";

/**
 * Whether there is a GPU with a driver. Mesa's lavapipe (23.2 or newer) and SwiftShader count as one; they need
 * XDG_RUNTIME_DIR and, outside of the usual folders, VK_DRIVER_FILES.
 */
export async function hasWebgpu(): Promise<boolean> {
  const graph = new Graph("probe");
  graph.output("y", ops.Exp(graph.input("x", "float32", [1])));
  try {
    await (await createSession(graph, { device: "webgpu" })).close();
    return true;
  } catch (error) {
    if (error instanceof DeviceError && error.message.includes("Failed to get a WebGPU adapter"))
      return false;
    throw error;
  }
}
