import type { ModelFacts, OnnxFile } from "@pixelcal/graph";
import type { CanonicalOptions } from "../model/canonical.js";
import { imageChannelAxis, outputChannelAxis } from "../model/channel-axes.js";
import { imageSize } from "../model/declared-image.js";
import { type ParsingOptions, parsedModel } from "../model/source.js";

type Given = CanonicalOptions & ParsingOptions & { readonly dims?: readonly number[] };

/**
 * Returns the axes of channels and classes where a file's layers take the last axis of the image for its
 * channels and the options give none; undefined for the usual axes.
 */
export function lastAxes(
  file: OnnxFile,
  facts: ModelFacts,
  options: Given,
): Pick<CanonicalOptions, "channelAxis" | "classAxis"> | undefined {
  if (options.channelAxis !== undefined) return undefined;
  for (const channelAxis of [1, -1]) {
    const reading = { ...options, channelAxis };
    try {
      const dims = options.dims ?? imageSize(facts.inputs, reading).dims;
      const model = parsedModel(file, dims, reading);
      if (imageChannelAxis(model) !== dims.length - 1) continue;
      const first = [...model.outputs.values()].every((output) => outputChannelAxis(output) === 1);
      return { channelAxis: -1, classAxis: options.classAxis ?? (first ? 1 : -1) };
    } catch {
      // The check that follows names the fault.
    }
  }
  return undefined;
}
