import { tensor } from "@pixelcal/core";
import { blockedDomain, Graph } from "@pixelcal/graph";
import { createSession, type TrainDevice } from "./session.js";

const most = 64;

let known: Promise<number> | undefined;

/**
 * Returns how many channels the runtime's fastest kernels for a device keep together, 1 if it has none: the
 * `block` of `lower`. It depends on the processor, and is measured by where the second pixel of a plane goes.
 */
export async function channelBlock(device: TrainDevice): Promise<number> {
  return device === "cpu" ? (known ??= find()) : 1;
}

async function find(): Promise<number> {
  const graph = new Graph("block");
  const dims = [1, most, 1, 2];
  const x = graph.input("x", "float32", dims);
  graph.output("y", graph.node("ReorderInput", [x], {}, { domain: blockedDomain })[0]!);
  const session = await createSession(graph, { threads: 1 }).catch(() => undefined);
  if (session === undefined) return 1;
  try {
    const numbers = Float32Array.from({ length: 2 * most }, (_, i) => i);
    const { y } = await session.run({ x: tensor("float32", numbers, dims) });
    return Array.from(y!.data as Float32Array).indexOf(1);
  } finally {
    await session.close();
  }
}
