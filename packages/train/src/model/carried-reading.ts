import { OnnxFile } from "@pixelcal/graph";
import { z } from "zod";
import type { CanonicalOptions } from "./canonical.js";
import { carriedJson } from "./carried-metadata.js";

/** The way to read a network's image and classes, and the values of its other inputs. */
export type Reading = Omit<CanonicalOptions, "outputs">;

const schema = z.strictObject({
  classAxis: z.int().optional(),
  channelAxis: z.int().optional(),
  channels: z.literal("repeat").optional(),
  inputs: z.record(z.string(), z.union([z.number(), z.array(z.number()).min(1)])).optional(),
});

/** The key of the reading in the metadata of an ONNX file. */
const key = "pixelcal.reading";

/** Returns the metadata that a model file carries of how it is read; none for the usual way. */
export function readingMetadata(reading: Reading): Readonly<Record<string, string>> {
  const { classAxis, channelAxis, channels, inputs } = reading;
  const text = JSON.stringify({ classAxis, channelAxis, channels, inputs });
  return text === "{}" ? {} : { [key]: text };
}

/** Returns how a model file says that it is read. Throws `InvalidArgumentError` if that is damaged. */
export const carriedReading = (model: OnnxFile): Reading | undefined =>
  carriedJson(model, key, schema) as Reading | undefined;

/** Returns options with what a model file carries where they give nothing else; each input by its name. */
export function withCarriedReading<O extends Reading>(model: unknown, options: O): O {
  const carried = model instanceof OnnxFile ? carriedReading(model) : undefined;
  if (carried === undefined) return options;
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const inputs = { ...carried.inputs, ...options.inputs };
  return {
    ...options,
    ...carried,
    ...Object.fromEntries(given),
    ...(Object.keys(inputs).length > 0 && { inputs }),
  };
}
