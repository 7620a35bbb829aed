import type { Node, Value } from "../ir.js";

/** The device a graph is laid out for; "any" runs on every provider. */
export type LoweringDevice = "any" | "cpu" | "webgpu" | "cuda";

/** Writes one operator in others, given its inputs in the new graph; undefined leaves it as it is. */
export type Lowering = (
  node: Node,
  inputs: readonly Value[],
  device: LoweringDevice,
) => readonly Value[] | undefined;

/** Lowers one node to the blocked layout; undefined leaves it to the lowering of the plain one. */
export type BlockedLowering = (
  node: Node,
  inputs: readonly Value[],
  block: number,
) => readonly Value[] | undefined;
