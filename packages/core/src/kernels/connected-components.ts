import { call, callSync, native } from "../binding.js";
import { checkChoice, checkOut, checkTensor } from "../check.js";
import { checkOptions, optionNames } from "../check-options.js";
import { checkCall, type SignalOption } from "../device.js";
import { arrayOf } from "../device-tensor.js";
import { spatialDimensions, trailingGrid } from "../grid.js";
import { type Tensor, tensor } from "../tensor.js";

/** The pixels that are neighbours: those that share a face, or also an edge, or also a corner. */
export type Connectivity = "faces" | "edges" | "corners";

/** The number of axes along which neighbours may differ. */
export const connectivityAxes: Readonly<Record<Connectivity, number>> = { faces: 1, edges: 2, corners: 3 };

export interface ConnectedComponentsOptions extends SignalOption {
  /** The neighbours; default "corners", all 3^d - 1. In two dimensions "edges" is the same. */
  readonly connectivity?: Connectivity;
  /** The number of trailing spatial dimensions; default all but the first. */
  readonly dimensions?: number;
  readonly out?: Tensor<"int32">;
}

const names = optionNames<ConnectedComponentsOptions>({
  connectivity: true,
  dimensions: true,
  out: true,
  signal: true,
});

/** The components of a batch of masks. */
export interface ConnectedComponents {
  /** The number of each pixel's component in its image, from 1 on in the order of first pixels; 0 outside. */
  readonly labels: Tensor<"int32">;
  /** The number of components of every image. */
  readonly counts: readonly number[];
}

/** Numbers the connected components of masks `[..., ...spatial]`, as scipy.ndimage.label does. */
export async function connectedComponents(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: ConnectedComponentsOptions = {},
): Promise<ConnectedComponents> {
  const request = componentsRequest(mask, options);
  return resultOf(mask, await call(native.connectedComponents, request, options.signal));
}

/** Runs {@link connectedComponents} on the calling thread. */
export function connectedComponentsSync(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: ConnectedComponentsOptions = {},
): ConnectedComponents {
  const request = componentsRequest(mask, options);
  return resultOf(
    mask,
    callSync(() => native.connectedComponentsSync(request)),
  );
}

function componentsRequest(
  mask: Tensor<"uint8"> | Tensor<"bool">,
  options: ConnectedComponentsOptions,
): Parameters<typeof native.connectedComponents>[0] {
  checkOptions("options", options, names);
  checkCall(options);
  checkTensor("mask", mask, ["uint8", "bool"], [1, 8]);
  const { connectivity = "corners", dimensions, out } = options;
  checkChoice("connectivity", connectivity, Object.keys(connectivityAxes));
  checkOut(out, "int32", mask.dims);
  return {
    ...trailingGrid(mask.dims, spatialDimensions(dimensions, mask.dims.length)),
    mask: arrayOf<"uint8" | "bool">(mask),
    connectivity: connectivityAxes[connectivity],
    out: out?.data,
  };
}

function resultOf(
  { dims }: Tensor,
  { labels, counts }: { labels: Int32Array; counts: Float64Array },
): ConnectedComponents {
  return { labels: tensor("int32", labels, dims), counts: Array.from(counts) };
}
