import {
  checkOptions,
  InvalidArgumentError,
  invalidArgument,
  optionNames,
  type Tensor,
} from "@pixelcal/core";
import { serializeModel } from "@pixelcal/graph";
import { withArrays } from "./image-and-logits.js";
import type { ModelSource } from "./source.js";

export interface ExportOptions {
  /** The image's dims [N, C, ...spatial]; one image of the training size by default. */
  readonly dims?: readonly number[];
  /**
   * "fixed" (default): images have the spatial size of `dims`. "open": any size for which the network needs
   * no padding, for a U-Net multiples of 8. The batch size is open wherever the network does not depend on
   * it.
   */
  readonly spatial?: "fixed" | "open";
}

const names = optionNames<ExportOptions>({ dims: true, spatial: true });

/** Throws unless the options of an export are known. */
function checkExportOptions(options: ExportOptions): void {
  checkOptions("options", options, names);
  const { spatial } = options;
  if (spatial !== undefined && spatial !== "fixed" && spatial !== "open")
    throw invalidArgument("spatial", "fixed or open", spatial);
}

const spatialNames = ["D", "H", "W"];

/** Returns an ONNX file of a model with these arrays: standard operators, inference behaviour. */
export function exportModel(
  source: ModelSource,
  arrays: Readonly<Record<string, Tensor>>,
  options: ExportOptions & { readonly dims: readonly number[] },
): Uint8Array {
  checkExportOptions(options);
  const { dims, spatial = "fixed" } = options;
  const model = withArrays(source(dims), arrays);
  const axes = dims.length - 2;
  const size = spatial === "open" ? spatialNames.slice(-axes) : dims.slice(2);
  const declared = (batch: number | string): Readonly<Record<string, readonly (number | string)[]>> => {
    const ends = [...model.inputs, ...model.outputs.values()];
    return Object.fromEntries(ends.map((end) => [end.name, [batch, end.dims[1]!, ...size]]));
  };
  const bytes = serializeModel(model, { dims: declared("N") });
  // An axis is open when the network laid out for twice the size has the same operators and constants.
  const independent = (other: readonly number[], as: number | string): boolean => {
    const twice = serializeModel(withArrays(source(other), arrays), { dims: declared(as) });
    return Buffer.compare(twice, as === "N" ? bytes : serializeModel(model, { dims: declared(as) })) === 0;
  };
  const [count = 1, channels = 1, ...extent] = dims;
  if (spatial === "open" && !independent([count, channels, ...extent.map((n) => 2 * n)], count)) {
    const message = `spatial: the network's operators depend on the size [${extent.join(", ")}]; expected "fixed"`;
    throw new InvalidArgumentError("spatial", message);
  }
  const anyBatch = independent([2 * count, channels, ...extent], "N");
  return anyBatch ? bytes : serializeModel(model, { dims: declared(count) });
}
