import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { Graph, ops } from "@pixelcal/graph";
import { test } from "vitest";
import { createSession, DeviceError } from "./session.js";

// Imports the tests that need a GPU and its driver. Mesa's lavapipe (23.2 or newer) and SwiftShader count as
// one; they need XDG_RUNTIME_DIR and, outside of the usual folders, VK_DRIVER_FILES.

/** Returns why there is no webgpu here. */
async function missing(): Promise<string | undefined> {
  const graph = new Graph("probe");
  graph.output("y", ops.Exp(graph.input("x", "float32", [1])));
  try {
    await (await createSession(graph, { device: "webgpu" })).close();
    return undefined;
  } catch (error) {
    if (error instanceof DeviceError && error.message.includes("Failed to get a WebGPU adapter"))
      return "no GPU with a Vulkan, Metal or Direct3D 12 driver";
    throw error;
  }
}

const reason = await missing();
if (reason === undefined) {
  const source = dirname(import.meta.dirname);
  for (const name of readdirSync(source, { recursive: true, encoding: "utf8" }))
    if (name.endsWith(".webgpu.test.ts")) await import(join(source, name));
} else {
  test.skip(`webgpu is missing (${reason}): *.webgpu.test.ts`, () => undefined);
}
