import type { Graph } from "@pixelcal/graph";

/** Deep supervision: heads of coarser levels that serve training alone. */
export interface Supervision {
  /** The weight in the loss of each output by name: "logits" first, and those that follow it. */
  readonly weights: Readonly<Record<string, number>>;
  /** Builds as `Model.build` does, with the further outputs and their weights. */
  build(dims: readonly number[], seed?: number): Graph;
}

/**
 * A segmentation network that can be laid out for any input size: `build` gives the inference graph with
 * input "image" [N, C, ...spatial], output "logits" [N, classes, ...spatial] and the same initial weights at
 * every size.
 */
export interface Model {
  readonly name: string;
  /** Spatial axes, 2 or 3. */
  readonly dimensions: number;
  /** Channels of the image. */
  readonly channels: number;
  readonly classes: number;
  /** The network as it is trained, if its coarser levels have heads then. */
  readonly supervision?: Supervision;
  /** Builds the network for images of these dims; `seed` replaces that of the model's initial weights. */
  build(dims: readonly number[], seed?: number): Graph;
}
