// The process in which a device is tried: runs a network of one operator on the device named on the command
// line and prints { problem? } as JSON.
import { tensor } from "@pixelcal/core";
import { Graph, ops } from "@pixelcal/graph";
import { createSession, type TrainDevice } from "../runtime/session.js";

async function problemOf(device: TrainDevice): Promise<string | undefined> {
  const graph = new Graph("trial");
  const x = graph.input("x", "float32", [1, 2]);
  graph.output("y", ops.Add(x, x));
  try {
    const session = await createSession(graph, { device });
    const { y } = await session.run({ x: tensor("float32", Float32Array.of(1, 2), [1, 2]) });
    await session.close();
    return y!.data[0] === 2 && y!.data[1] === 4 ? undefined : `1 + 1 and 2 + 2 are ${y!.data.join(" and ")}`;
  } catch (error) {
    return oneSentence(device, error instanceof Error ? error.message : String(error));
  }
}

/** Returns the reason of a DeviceError and the needs of the device, without the advice to take another. */
const oneSentence = (device: string, message: string): string =>
  message
    .replace(`device ${device}: `, "")
    .replace("; or use --device cpu", "")
    .replace(/\. It needs/, "; it needs");

// A bundle of CommonJS has no await at its top.
void problemOf(process.argv[2] as TrainDevice).then((problem) =>
  process.stdout.write(JSON.stringify({ problem })),
);
